import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRemoteOperations } from '../../../src/admin/remote-operations.ts';
import { startAdminServer } from '../../../src/admin/server.ts';
import { openAdminLab } from '../../support/admin-lab.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { testDir } from '../../support/test-dir.ts';

test('the socket is for its owner alone, and gone when the server is', async () => {
  const lab = await openAdminLab({ way: 'remote' });
  const mode = statSync(lab.socketPath).mode & 0o777;
  await lab[Symbol.asyncDispose]();
  expect(mode.toString(8)).toBe('600');
  expect(existsSync(lab.socketPath)).toBe(false);
});

test('a socket that a killed gateway left behind is replaced', async () => {
  const socketPath = join(testDir(), 'admin.sock');
  const killed = Bun.spawn({
    cmd: [
      process.execPath,
      '-e',
      `Bun.serve({ unix: ${JSON.stringify(socketPath)}, fetch: () => new Response() }); console.log('up')`,
    ],
    stdout: 'pipe',
  });
  await killed.stdout.getReader().read();
  killed.kill('SIGKILL');
  await killed.exited;
  expect(existsSync(socketPath)).toBe(true);

  await using lab = await openAdminLab({ way: 'local', live: createFakeLiveGateway() });
  const server = startServer(socketPath, lab.operations);
  expect((await createRemoteOperations({ socketPath }).status()).generation).toBe(3);
  await server.stop();
});

test('a file that is no socket is left alone', async () => {
  const socketPath = join(testDir(), 'admin.sock');
  writeFileSync(socketPath, 'precious');
  await using lab = await openAdminLab({ way: 'local' });
  expect(() => startServer(socketPath, lab.operations)).toThrow('is in the way');
  expect(statSync(socketPath).size).toBe('precious'.length);
});

test('a data directory with a path longer than a socket address still has a socket', async () => {
  const socketPath = join(testDir(), 'd'.repeat(120), 'admin.sock');
  await using lab = await openAdminLab({ way: 'local', live: createFakeLiveGateway() });
  await Bun.write(join(socketPath, '../made'), '');
  const server = startServer(socketPath, lab.operations);
  expect((await createRemoteOperations({ socketPath }).status()).generation).toBe(3);
  await server.stop();
});

test('nobody listening is said as such', async () => {
  const nowhere = createRemoteOperations({ socketPath: join(testDir(), 'admin.sock') });
  await expect(nowhere.status()).rejects.toMatchObject({ code: 'not_running' });
});

const JSON_TYPE = { 'content-type': 'application/json' };

test.each([
  ['unknown path', 'GET', '/admin/v1/nothing', {}, 404, 'not_found'],
  ['unknown verb of a key', 'POST', '/admin/v1/keys/x/explode', {}, 400, 'invalid'],
  ['wrong method', 'DELETE', '/admin/v1/keys/x', {}, 404, 'not_found'],
  [
    'body that is not JSON',
    'POST',
    '/admin/v1/keys',
    { body: '{', headers: JSON_TYPE },
    400,
    'invalid',
  ],
  [
    'body without a type',
    'POST',
    '/admin/v1/keys',
    { body: '{}', headers: { 'content-type': 'text/plain' } },
    400,
    'invalid',
  ],
  ['no body', 'POST', '/admin/v1/keys', {}, 400, 'invalid'],
  ['null', 'POST', '/admin/v1/keys', { body: 'null', headers: JSON_TYPE }, 400, 'invalid'],
  [
    'endless body',
    'POST',
    '/admin/v1/keys',
    { body: 'x'.repeat(300_000), headers: JSON_TYPE },
    413,
    'too_large',
  ],
  ['unknown query', 'GET', '/admin/v1/keys?sort=name', {}, 400, 'invalid'],
  ['page too large', 'GET', '/admin/v1/keys?limit=100000', {}, 400, 'invalid'],
  [
    'condition without value',
    'GET',
    '/admin/v1/usage?since=2026-11-18T10:00:00Z&until=2026-11-18T11:00:00Z&where=key',
    {},
    400,
    'invalid',
  ],
  ['key that is not there', 'GET', '/admin/v1/keys/nobody', {}, 404, 'not_found'],
  ['no gateway', 'GET', '/admin/v1/status', {}, 503, 'not_running'],
] as const)('%s gets a document with a code', async (_, method, path, request, status, code) => {
  await using lab = await openAdminLab({ way: 'remote' });
  const reply = await fetch(`http://llmgate${path}`, {
    unix: lab.socketPath,
    method,
    keepalive: false,
    ...request,
  });
  const document: unknown = await reply.json();
  expect(reply.status).toBe(status);
  expect(document).toEqual({ error: { code, message: expect.stringMatching(/^\S.+\S$/) } });
  expect(lab.failures).toEqual([]);
  expect(lab.store.keys.page(null, 10)).toEqual([]);
});

test('a refused reload is 422, with the problems', async () => {
  const result = { ok: false, generation: 3, problems: 'llmgate.yaml:1:1: no' };
  const live = createFakeLiveGateway({ reload: async () => result });
  await using lab = await openAdminLab({ way: 'remote', live });
  const reply = await fetch('http://llmgate/admin/v1/reload', {
    unix: lab.socketPath,
    method: 'POST',
    keepalive: false,
  });
  expect([reply.status, await reply.json()]).toEqual([422, result]);
});

test('the OpenAPI document has every route, with the schemas that the code checks by', async () => {
  await using lab = await openAdminLab({ way: 'remote' });
  const reply = await fetch('http://llmgate/openapi.json', {
    unix: lab.socketPath,
    keepalive: false,
  });
  const document = JSON.parse(await reply.text());
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(Object(methods)).map((method) => `${method} ${path}`),
  );
  expect(routes.toSorted()).toEqual([
    'get /admin/v1/audit/holds',
    'get /admin/v1/audit/public-key',
    'get /admin/v1/audit/rows/{chain}',
    'get /admin/v1/audit/rows/{chain}/{row}',
    'get /admin/v1/backends',
    'get /admin/v1/budgets',
    'get /admin/v1/budgets/{target}',
    'get /admin/v1/content/{request_id}',
    'get /admin/v1/keys',
    'get /admin/v1/keys/{ref}',
    'get /admin/v1/ledger/check',
    'get /admin/v1/live',
    'get /admin/v1/log/levels',
    'get /admin/v1/models',
    'get /admin/v1/requests/{id}/explain',
    'get /admin/v1/status',
    'get /admin/v1/usage',
    'patch /admin/v1/keys/{ref}',
    'patch /admin/v1/log/levels',
    'post /admin/v1/audit/checkpoints',
    'post /admin/v1/audit/holds',
    'post /admin/v1/audit/holds/{id}/release',
    'post /admin/v1/audit/verify',
    'post /admin/v1/backends/{id}/drain',
    'post /admin/v1/backends/{id}/resume',
    'post /admin/v1/backups',
    'post /admin/v1/budgets/{target}/grant',
    'post /admin/v1/budgets/{target}/remove',
    'post /admin/v1/budgets/{target}/reset',
    'post /admin/v1/budgets/{target}/set',
    'post /admin/v1/content/erase',
    'post /admin/v1/explain',
    'post /admin/v1/keys',
    'post /admin/v1/keys/{ref}/rotate',
    'post /admin/v1/keys/{ref}/{change}',
    'post /admin/v1/ledger/rebuild',
    'post /admin/v1/reload',
    'post /admin/v1/requests/{id}/cancel',
  ]);
  expect(document.openapi).toBe('3.1.0');
  expect(document.info.version).toBe('0.1.0');
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(['Key', 'NewKey', 'KeyChanges', 'IssuedKey', 'Usage', 'LedgerCheck']),
  );
  expect(document.components.schemas.NewKey).toMatchObject({
    required: ['name'],
    additionalProperties: false,
  });
  expect(document.components.schemas.Key.properties).not.toHaveProperty('digest');
});

function startServer(
  socketPath: string,
  operations: Parameters<typeof startAdminServer>[0]['operations'],
) {
  return startAdminServer({ socketPath, operations, version: '0.1.0', onFailure: () => {} });
}
