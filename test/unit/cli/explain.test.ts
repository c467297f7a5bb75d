import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DryRunView } from '../../../src/admin/dry-run-schemas.ts';
import type { LiveDryRunOrder, LiveExplain } from '../../../src/admin/live-explain.ts';
import { SYSTEM } from '../../../src/cli/admin-access.ts';
import { addExplainCommand } from '../../../src/cli/explain.ts';
import { layOutPairs, renderWaterfall, wrapped } from '../../../src/cli/explain-text.ts';
import { nanoUsd } from '../../../src/core/money.ts';
import { NO_USAGE } from '../../../src/core/usage.ts';
import { type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { aFinishedRow, aPrice } from '../../support/request-rows.ts';
import { type RunCliOptions, runCli } from '../../support/run-cli.ts';
import { aKey } from '../../support/temp-store.ts';
import { testDir } from '../../support/test-dir.ts';

const ID = '019a9f3c-1f5e-7c2a-9b1d-0a1b2c3d4e5f';
const HOSTILE = 'x\u001b]0;owned\u0007\u202e\u0085y';

function explain(
  lab: Pick<AdminLab, 'dataDir'>,
  args: readonly string[],
  options: RunCliOptions & { readonly stdin?: Uint8Array } = {},
) {
  const readStdin = async () => options.stdin ?? new Uint8Array();
  return runCli(
    (program, io) => addExplainCommand(program, io, SYSTEM, { readStdin }),
    ['explain', ...args, '--data-dir', lab.dataDir],
    options,
  );
}

async function settle({ store }: AdminLab): Promise<void> {
  store.keys.insert(aKey({ name: HOSTILE }));
  await store.ledger.settle(
    aFinishedRow({
      ...{ id: ID, user: HOSTILE, tags: { app: HOSTILE }, streamed: true, attempts: 2 },
      ...{ price: aPrice({ input: 1_250_000, output: 2_000_000, cachedInput: 100_000 }) },
      usage: { ...NO_USAGE, inputTokens: 103, cachedInputTokens: 100, outputTokens: 7 },
      costNanoUsd: nanoUsd(27_750),
    }),
    [
      {
        ...{ attempt: 1, backend: 'gpu1', startedAtMs: 1_763_600_000_010, durationMs: 40 },
        ...{ code: 'backend_error', status: 500 },
      },
      {
        ...{ attempt: 2, backend: HOSTILE, startedAtMs: 1_763_600_000_060, durationMs: 190 },
        ...{ code: null, status: 200 },
      },
    ],
  );
}

describe('a request', () => {
  test('in words that fit a terminal, without a gateway', async () => {
    await using lab = await openAdminLab({ way: 'local' });
    await settle(lab);
    await lab.store.close();
    const run = await explain(lab, [ID.slice(0, 13)], { stdoutIsTty: true, columns: 80 });
    expect(run).toMatchObject({ err: '', exitCode: 0 });
    for (const line of run.out.split('\n')) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
    expect(run.out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    for (const part of [
      `Request ${ID}\n  state        served, HTTP 200\n`,
      '  asked for    chat, small, as a stream\n',
      '  cost         $0.00002775\n  audit trail  llmgate audit show 1 --chain requests\n',
      '  forward       ok   2 attempts\n',
      `Attempts
  1  gpu1
     from 10 ms, to 50 ms
     HTTP 500: backend_error
     then: x\\x1b]0;owned\\x07\\u202e\\x85y was asked next
  2  x\\x1b]0;owned\\x07\\u202e\\x85y
     from 60 ms, first token at 12.5 ms, to 250 ms
     HTTP 200
     then: its answer went to the caller
`,
      `Time, 250 ms in all, * first token
  gateway          |==                                      | 10 ms
  1 gpu1           | =======                                | 40 ms
`,
      `  input                               103 tokens, of them 100 cached input
  output                              7 tokens
  counted by                          reported
`.replaceAll('                        ', ''),
      `  input 3 × $1.25 per million          $0.00000375
  cached input 100 × $0.1 per million  $0.00001
  output 7 × $2 per million            $0.000014
  sum                                  $0.00002775
  booked, rounded up to a billionth    $0.00002775
`,
      'Not known\n  No gateway is running: only the books were asked',
    ]) {
      expect(run.out).toContain(part);
    }
  });

  test('as one document', async () => {
    await using lab = await openAdminLab({ way: 'remote', live: createFakeLiveGateway() });
    await settle(lab);
    const run = await explain(lab, [ID, '--json']);
    expect(run).toMatchObject({ err: '', exitCode: 0 });
    const found = JSON.parse(run.out);
    expect(found).toEqual(await lab.operations.explain.request(ID));
    expect(found).toMatchObject({ id: ID, who: { key_name: HOSTILE }, cost: { agrees: true } });
    expect(run.out).not.toContain('\u001b');
    const csv = await explain(lab, [ID, '-o', 'csv']);
    expect(csv.out.split('\n')[1]).toMatch(/^1,gpu1,,/);
  });

  test.each([
    [['ffff0000'], 3, 'no request has the id "ffff0000"'],
    [['nonsense'], 2, 'is no id of a request'],
    [[], 2, 'name a request, or --key and --model'],
    [[ID, '--model', 'x'], 2, 'a request goes without --key'],
    [['--key', 'alice'], 2, '--key goes with --model'],
    [['--key', 'a', '--model', 'm', '--header', 'no colon'], 2, 'Write a name and a value'],
    [['--key', 'a', '--body', '/nonexistent/file'], 2, 'cannot be read: ENOENT'],
    [['--key', 'a', '--model', 'm'], 5, 'no gateway is running'],
  ])('%j ends with %i', async (args, exitCode, message) => {
    await using lab = await openAdminLab({ way: 'local' });
    await lab.store.close();
    const run = await explain(lab, args);
    expect(run).toMatchObject({ out: '', exitCode });
    expect(run.err).toContain(message);
  });
});

const RUN: DryRunView = {
  ...{ key_id: 'k00000000001', key_name: HOSTILE, endpoint: 'chat', path: '/v1/chat/completions' },
  ...{ asked_model: HOSTILE, model: 'small', would: 'be_sent', refusal: null },
  stages: [
    { stage: 'authenticate', verdict: 'passes', words: ['the key is active', HOSTILE] },
    { stage: 'read', verdict: 'not_reached', words: [] },
  ],
  call: null,
  limits: [
    {
      ...{ name: '5 requests per minute for each key', measure: 'requests', limit: 5 },
      ...{ remaining: 0, admits: false, wait_ms: 12_000 },
    },
  ],
  plan: null,
  targets: [
    {
      ...{ model: 'small', backend: HOSTILE, backend_model: HOSTILE, part: 'fallback' },
      ...{ input_per_million_usd: '1', output_per_million_usd: null, state: 'down' },
      ...{ breaker: 'open', drained: false, in_flight: 3, places: 4, first_token_ms: 1 },
      ...{ usable: false, why_not: 'its breaker is open', problem: HOSTILE },
    },
  ],
  hold: { usd: '0.5', tokens: 9, output_tokens: 5, output_limit: null, shrunk: false },
  budgets: [],
  place: { backend: HOSTILE, backend_model: 'm', reason: 'only', why: 'the only one' },
  waits_behind: null,
  cost: {
    ...{ backend: 'gpu0', input_tokens: 1, input_usd: '0.1', gpu_hour_usd: '2' },
    usual: { output_tokens: 2, cost_usd: '0.2' },
    longest: { output_tokens: 5, cost_usd: '0.5' },
  },
  sending: {
    ...{ body_bytes: 9, headers_removed: [HOSTILE], headers_added: ['x-request-id'] },
    edits: [
      { member: HOSTILE, before: null, after: '1' },
      { member: 'model', before: '"a"', after: '"b"' },
    ],
  },
};

describe('a request that is not made', () => {
  /** A gateway that answers with a document, and what it was asked. */
  async function openAsked(run: DryRunView) {
    const asked: LiveDryRunOrder[] = [];
    const dryRun: LiveExplain['dryRun'] = async (order) => {
      asked.push(order);
      return run;
    };
    const none = { inFlight: () => [], story: () => undefined };
    const live = createFakeLiveGateway({ explain: { ...none, dryRun } });
    const lab = await openAdminLab({ way: 'remote', live });
    lab.store.keys.insert(aKey({ name: 'alice' }));
    return { lab, asked, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() };
  }

  test('in words that fit a terminal, neutral whatever they quote', async () => {
    await using scene = await openAsked(RUN);
    const args = ['--key', 'alice', '--model', 'm'];
    const run = await explain(scene.lab, args, { stdoutIsTty: true, columns: 80 });
    expect(run).toMatchObject({ err: '', exitCode: 0 });
    for (const line of run.out.split('\n')) {
      expect(line.trimEnd()).toBe(line);
      expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
    expect(run.out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    for (const part of [
      '  5 requests per minute for each key: 0 left, NO ROOM for 12 s\n',
      '  with a usual answer, 2 tokens      $0.2\n',
      '  GPU time besides, an hour          $2\n',
      '"b", was "a"\n',
      'fallback: its breaker is open\n',
    ]) {
      expect(run.out).toContain(part);
    }
  });

  test('what it sends comes from flags, a file or stdin', async () => {
    await using scene = await openAsked(RUN);
    const file = join(testDir(), 'body.json');
    writeFileSync(file, '{"model":"é"}');
    const header = ['--header', 'X-Tier:  gold ', '--header', 'a: b: c'];
    await explain(scene.lab, ['--key', 'alice', '--body', file, ...header]);
    const stdin = Uint8Array.of(0xff, 0xfe);
    await explain(scene.lab, ['--key', 'alice', '--model', 'm', '--body', '-'], { stdin });
    expect(scene.asked).toMatchObject([
      { model: null, headers: { 'x-tier': 'gold', a: 'b: c' } },
      { model: 'm', headers: {} },
    ]);
    expect(scene.asked.map(({ body }) => [...(body ?? [])])).toEqual([
      [...new TextEncoder().encode('{"model":"é"}')],
      [0xff, 0xfe],
    ]);
  });

  test('one that would be refused ends with 1, one that would wait with 0', async () => {
    const refusal = {
      ...{ stage: 'limit', status: 429, code: 'rate_limit_exceeded', retry_after_ms: 500 },
      message: 'Rate limit reached.',
    };
    await using refused = await openAsked({ ...RUN, would: 'be_refused', refusal });
    const args = ['--key', 'alice', '--model', 'm'];
    const run = await explain(refused.lab, args);
    expect(run.exitCode).toBe(1);
    expect(run.out).toContain(
      '  it would  be refused by limit, 429 rate_limit_exceeded: Rate limit reached. Room in 500 ms.\n',
    );
    await using waits = await openAsked({ ...RUN, would: 'wait', place: null, waits_behind: 2 });
    const waiting = await explain(waits.lab, args);
    expect(waiting.exitCode).toBe(0);
    expect(waiting.out).toContain('  it would  wait in line, 2 before it\n');
    expect((await explain(waits.lab, ['--key', 'nobody', '--model', 'm'])).exitCode).toBe(3);
  });
});

describe('laying out', () => {
  test('a bar is never empty, never longer than the whole, and marks its moment', () => {
    const bar = (start: number, end: number, mark: number | null = null) =>
      renderWaterfall([{ name: 'n', start, end, mark }], 100)[0]?.slice(5, 45);
    expect(bar(0, 100)).toBe('='.repeat(40));
    expect(bar(50, 50)).toBe(`${' '.repeat(20)}=${' '.repeat(19)}`);
    expect(bar(100, 100)).toBe(`${' '.repeat(39)}=`);
    expect(bar(-5, 900, 900)).toBe(`${'='.repeat(39)}*`);
    expect(renderWaterfall([{ name: 'n', start: 0, end: 0, mark: null }], 0)[0]).toContain('|= ');
  });

  test('words wrap under their beginning; one that is too long stays whole', () => {
    expect(wrapped('ab ', 'one two three four five six', 23)).toEqual([
      'ab one two three four',
      '   five six',
    ]);
    const long = 'x'.repeat(50);
    expect(wrapped('ab ', long, 30)).toEqual([`ab ${long}`]);
    expect(wrapped('ab ', 'one two three', null)).toEqual(['ab one two three']);
    expect(
      layOutPairs(
        [
          ['a', '1'],
          ['\u0007b', '2'],
        ],
        null,
      ),
    ).toEqual(['  a      1', '  \\x07b  2']);
  });
});
