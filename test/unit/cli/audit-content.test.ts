import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addAuditContentCommand } from '../../../src/cli/audit-content.ts';
import { addAuditEraseCommand } from '../../../src/cli/audit-erase.ts';
import type { CliIo } from '../../../src/cli/io.ts';
import { createCountingRandom, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { type RunCliOptions, runCli } from '../../support/run-cli.ts';
import { CONTENT_KEY, openTempContent, requestId } from '../../support/temp-content.ts';
import { aFinishedRow, aKey, openTempStore, tempDir } from '../../support/temp-store.ts';

const system = { clock: createFakeClock(), random: createCountingRandom() };
const ada = aKey({ id: 'K00000000ADA', user: 'ada' });

function addCommands(program: Command, io: CliIo): void {
  const audit = program.command('audit');
  addAuditContentCommand(audit, io, system);
  addAuditEraseCommand(audit, io, system);
}

/** A data directory with one captured request, and no gateway on it. */
async function makeData(reference?: Uint8Array): Promise<string> {
  const dataDir = tempDir();
  const temp = await openTempStore({ dataDir });
  const { content, capture } = await openTempContent({ dataDir });
  const contentRef = await capture({
    id: requestId(1),
    key: ada,
    request: '{"a":"\u001b[2Jb"}',
    answer: ['line 1\nline\t2'],
  });
  await temp.store.ledger.settle(
    aFinishedRow({ id: requestId(1), contentRef: reference ?? contentRef }),
    [],
  );
  await content.close();
  await temp.store.close();
  return dataDir;
}

const ENV = { CONTENT_KEY: Buffer.from(CONTENT_KEY).toString('base64') };

function run(dataDir: string, args: readonly string[], options: RunCliOptions = {}) {
  const file = join(tempDir(), 'llmgate.yaml');
  writeFileSync(
    file,
    `data_dir: ${dataDir}\nbackends: { a: { type: vllm, url: "http://127.0.0.1:1" } }\n` +
      'audit: { content: full, content_key: "${env:CONTENT_KEY}" }\n',
  );
  return runCli(addCommands, ['audit', ...args, '-c', file], { env: ENV, ...options });
}

describe('content', () => {
  test('is shown without what a terminal could obey', async () => {
    const dataDir = await makeData();
    expect(await run(dataDir, ['content', requestId(1)])).toEqual({
      exitCode: 0,
      err: '',
      out: [
        `request    ${requestId(1)}`,
        'captured   2026-11-18T10:30:00.000Z',
        'mode       full',
        'key        K00000000ADA',
        'user       ada',
        'team       -',
        'tenant     -',
        'reference  as in the row of the request',
        '',
        '--- request: 13 bytes',
        '{"a":"\\x1b[2Jb"}',
        '',
        '--- answer: 13 bytes',
        'line 1',
        'line\\x092',
        '',
      ].join('\n'),
    });
  });

  test('is one JSON document, and the same over the socket of a gateway', async () => {
    const dataDir = await makeData();
    const offline = await run(dataDir, ['content', requestId(1), '--json']);
    expect(JSON.parse(offline.out)).toMatchObject({
      content_ref_matches: true,
      answer: { bytes: 13, encoding: 'utf8', content: 'line 1\nline\t2' },
    });
    const { content } = await openTempContent({ dataDir });
    await using lab = await openAdminLab({ way: 'remote', content, live: createFakeLiveGateway() });
    const online = await runCli(addCommands, [
      ...['audit', 'content', requestId(1), '--json', '--data-dir', lab.dataDir],
    ]);
    expect(JSON.parse(online.out)).toEqual({
      ...JSON.parse(offline.out),
      content_ref_matches: null,
    });
  });

  test('ends with 1 when it is not what the row says', async () => {
    const dataDir = await makeData(new Uint8Array(32));
    const { exitCode, out } = await run(dataDir, ['content', requestId(1)]);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: expect.stringContaining('NOT the one') });
  });

  test.each([
    [[requestId(9)], {}, 3, 'there is no request'],
    [['nonsense'], {}, 2, 'is not a request id'],
    [[requestId(1)], { env: {} }, 1, 'is locked with content key'],
  ])('%j is an answer of its own', async (args, options, exitCode, message) => {
    const dataDir = await makeData();
    const said = await run(dataDir, ['content', ...args], options);
    expect(said).toMatchObject({ out: '', exitCode });
    expect(said.err).toContain(message);
  });
});

describe('erase', () => {
  test('asks with how much there is, and does it on a yes', async () => {
    const dataDir = await makeData();
    const asked: string[] = [];
    const answer = (word: string) => async (question: string) => {
      asked.push(question);
      return word;
    };
    const args = ['erase', '--user', 'ada'];
    expect(await run(dataDir, args, { ask: answer('n') })).toMatchObject({ out: '', exitCode: 1 });
    expect(await run(dataDir, ['content', requestId(1)])).toMatchObject({ exitCode: 0 });
    expect(await run(dataDir, args, { ask: answer('y') })).toMatchObject({
      exitCode: 0,
      out: 'user    ada\nerased  content of 1 requests\nkeys    1 destroyed\n',
    });
    expect(asked[0]).toBe('Erase the content of 1 request of user ada for good? [y/N] ');
    const said = await run(dataDir, ['content', requestId(1)]);
    expect(said).toMatchObject({ out: '', exitCode: 3 });
    expect(said.err).toContain('erased');
  });

  test('of a key by id without being asked, as JSON', async () => {
    const dataDir = await makeData();
    const said = await run(dataDir, ['erase', '--key', ada.id, '--yes', '--json']);
    expect(JSON.parse(said.out)).toEqual({
      scope: 'key',
      subject: ada.id,
      dry_run: false,
      data_keys: 1,
      requests: 1,
    });
  });

  test('needs no content key, and a dry run needs nobody to ask', async () => {
    const dataDir = await makeData();
    const dry = await run(dataDir, ['erase', '--user', 'ada', '--dry-run'], { env: {} });
    expect(dry).toMatchObject({
      exitCode: 0,
      out: 'user         ada\nwould erase  content of 1 requests\nkeys         1 to be destroyed\n',
    });
    const done = await run(dataDir, ['erase', '--user', 'ada', '--yes'], { env: {} });
    expect(done.out).toContain('1 destroyed');
  });

  test.each([
    [['erase'], 'name one of'],
    [['erase', '--user', 'a', '--team', 'b'], 'name one of'],
    [['erase', '--user', 'ada'], 'nobody is there to ask'],
  ])('%j is refused with 2', async (args, message) => {
    const dataDir = await makeData();
    const said = await run(dataDir, args);
    expect(said).toMatchObject({ out: '', exitCode: 2 });
    expect(said.err).toContain(message);
  });
});
