import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdminTcpServer, startAdminTcpServer } from '../../../src/admin/tcp-server.ts';
import { addBackupCommand } from '../../../src/cli/backup.ts';
import { addKeysCommand } from '../../../src/cli/keys.ts';
import { addStatusCommand } from '../../../src/cli/status.ts';
import { type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { type RunCliOptions, runCli } from '../../support/run-cli.ts';
import { testDir } from '../../support/test-dir.ts';

const ADMIN = 'alice-0123456789abcdefghijkl';
const VIEWER = 'viewer-0123456789abcdefghijk';

const KEYS = [
  { name: 'alice', secret: ADMIN, role: 'admin' },
  { name: 'grafana', secret: VIEWER, role: 'viewer' },
] as const;

let lab: AdminLab;
let server: AdminTcpServer;

beforeEach(async () => {
  lab = await openAdminLab({ way: 'local-unnamed', live: createFakeLiveGateway() });
  server = startAdminTcpServer({
    listen: { hostname: '127.0.0.1', port: 0, tls: null },
    keys: () => KEYS,
    operations: lab.operations,
    version: '0.1.0',
    onFailure: (failure) => lab.failures.push(failure),
    onRefused: () => {},
  });
});

afterEach(async () => {
  await server.stop();
  await lab[Symbol.asyncDispose]();
});

/** In an empty folder, so that what is found here is not what was meant. */
const run = (args: readonly string[], env: RunCliOptions['env'] = {}) =>
  runCli(
    (program, io) => {
      addStatusCommand(program, io);
      addKeysCommand(program, io);
      addBackupCommand(program, io);
    },
    args,
    { cwd: testDir(), env },
  );

test('a flag names the gateway, and the environment holds the key', async () => {
  const { out, err, exitCode } = await run(['status', '--json', '--url', server.url], {
    LLMGATE_ADMIN_KEY: VIEWER,
  });
  expect([err, exitCode, JSON.parse(out).generation]).toEqual(['', 0, 3]);
});

test('or the environment names both; a directory in a flag is meant more', async () => {
  const env = { LLMGATE_URL: server.url, LLMGATE_ADMIN_KEY: ADMIN };
  const made = await run(['keys', 'create', '--name', 'app', '--quiet'], env);
  expect([made.err, made.exitCode]).toEqual(['', 0]);
  expect(lab.store.keys.page(null, 10).map(({ name }) => name)).toEqual(['app']);
  const here = await run(['status', '--data-dir', 'elsewhere'], env);
  expect(here.exitCode).toBe(5);
  expect(here.err).toContain('no gateway is running on');
});

test.each([
  [
    'a role that may only read',
    ['keys', 'create', '--name', 'app'],
    { LLMGATE_ADMIN_KEY: VIEWER },
    4,
    '"viewer"',
  ],
  ['an unknown key', ['status'], { LLMGATE_ADMIN_KEY: 'nobody' }, 4, 'admin key'],
  ['no key', ['status'], {}, 4, 'LLMGATE_ADMIN_KEY is not set'],
  ['a key with a line break', ['status'], { LLMGATE_ADMIN_KEY: 'a\nb' }, 4, 'is not a key'],
  [
    'a file on the other machine',
    ['backup', '/tmp/x.db'],
    { LLMGATE_ADMIN_KEY: ADMIN },
    4,
    'make it there',
  ],
  ['two places', ['status', '--data-dir', 'x'], { LLMGATE_ADMIN_KEY: ADMIN }, 2, 'goes without'],
] as const)('%s', async (_, args, env, exitCode, words) => {
  const result = await run([...args, '--url', server.url], env);
  expect([result.out, result.exitCode]).toEqual(['', exitCode]);
  expect(result.err).toContain(words);
  expect(lab.store.keys.page(null, 10)).toEqual([]);
});

test.each([
  ['http://127.0.0.1:9', 5, 'nothing listens there'],
  ['gpu-box', 2, '--url cannot be used: write it like'],
  ['http://gpu-box:9090', 2, 'in clear'],
])('%s', async (url, exitCode, words) => {
  const result = await run(['status', '--url', url], { LLMGATE_ADMIN_KEY: ADMIN });
  expect(result.exitCode).toBe(exitCode);
  expect(result.err).toContain(words);
  expect(result.err).not.toContain(ADMIN);
});
