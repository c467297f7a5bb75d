import type { Price } from '../../src/core/price.ts';
import { NO_USAGE, type Usage } from '../../src/core/usage.ts';
import type { InvoiceLine } from '../../src/mock/invoice.ts';
import { LlmgateProcess } from './llmgate-process.ts';
import { createSeededRandom, type SeededRandom } from './seeded-random.ts';
import { type IssuedKey, ServeLab, type UsageDocument } from './serve-lab.ts';
import { naiveCost } from './simulation/naive-money.ts';
import type { LoggedRequest } from './start-gateway.ts';

/*
 * What a vendor would bill, line by line, against what the gateway has booked. Gateway and vendor
 * are processes of their own, and money is worked out by arithmetic that neither of them uses.
 */

const DOLLARS = { input: 2.5, cached_input: 0.25, cache_write: 3.125, audio_input: 40 };
const MORE_DOLLARS = { image_input: 5.000001, output: 10, reasoning: 11, audio_output: 80 };
const TIER = {
  ...{ input: 5, cached_input: 0.5, cache_write: 6.25, audio_input: 41, image_input: 7 },
  ...{ output: 15.000003, reasoning: 16, audio_output: 81, image_output: 33 },
};
const BASE = { ...DOLLARS, ...MORE_DOLLARS, image_output: 32 };
const TIER_ABOVE = 200_000;
const GPU_HOUR_USD = 1.75;

function ratesOf(dollars: typeof BASE) {
  const micro = (usd: number) => Math.round(usd * 1_000_000);
  return {
    input: micro(dollars.input),
    cachedInput: micro(dollars.cached_input),
    cacheWrite: micro(dollars.cache_write),
    audioInput: micro(dollars.audio_input),
    imageInput: micro(dollars.image_input),
    output: micro(dollars.output),
    reasoning: micro(dollars.reasoning),
    audioOutput: micro(dollars.audio_output),
    imageOutput: micro(dollars.image_output),
  };
}

const TIERED: Price = {
  ...ratesOf(BASE),
  tiers: [{ ...ratesOf(TIER), aboveInputTokens: TIER_ABOVE }],
  gpuHour: 0,
};
const GPU: Price = { ...ratesOf(BASE), tiers: [], gpuHour: GPU_HOUR_USD * 1_000_000 };

const configOf = (mockUrl: string) => `backends:
  mock: { type: vllm, url: "${mockUrl}" }
models:
  small:
    targets: [mock]
    context_tokens: 262144
    price: ${JSON.stringify({ ...BASE, tiers: [{ above: TIER_ABOVE, ...TIER }] })}
  gpu:
    targets: [mock]
    context_tokens: 262144
    price: ${JSON.stringify({ ...BASE, gpu_hour: GPU_HOUR_USD })}
budgets:
  - { per: all, usd: 9000000, window: total }
  - { per: team, usd: 9000000, window: month }
retries: { attempts: 2, backoff: 1ms }
# One backend has all the faults; nobody else is to be kept from it by them.
health: { breaker: { min_attempts: 10000 } }
log: { level: error }`;

const INCONSISTENT = { kind: 'usage', value: 'inconsistent' };

/** Whoever says that nothing was used is believed, so `zero` is not among them. */
const FAULTS: readonly object[] = [
  ...['negative', 'huge', 'unsafe', 'infinite', 'fractional', 'string', 'parts'],
  ...['missing', 'twice', 'no_choices', 'null_choices'],
]
  .map((value): object => ({ kind: 'usage', value }))
  .concat([
    INCONSISTENT,
    ...[{ kind: 'reset' }, { kind: 'reset', after_tokens: 3 }, { kind: 'fin', after_tokens: 2 }],
    ...[
      { kind: 'no_terminal' },
      { kind: 'malformed', after_tokens: 1 },
      { kind: 'rate_limit', retry_after: 0 },
    ],
    ...[{ kind: 'server_error' }, { kind: 'error_frame', after_tokens: 2 }, { kind: 'html' }],
    ...[{ kind: 'close_delimited' }, { kind: 'context_length' }, { kind: 'bad_chunk' }],
    ...[{ kind: 'drip', bytes: 7 }, { kind: 'crlf' }, { kind: 'role_only' }],
  ]);

function someBehaviour(random: SeededRandom): object {
  const fault = random.int(5) === 0 ? random.pick(FAULTS) : null;
  // A total that is 1 too large is a lie only where it could not be Gemini's way of telling.
  const styles = fault === INCONSISTENT ? ['openai', 'deepseek'] : ['openai', 'deepseek', 'gemini'];
  return {
    tokens: random.int(20) === 0 ? 0 : 5 + random.int(25),
    prompt_tokens: random.int(40) === 0 ? TIER_ABOVE - 10 + random.int(20) : random.int(300),
    cached_tokens: random.int(100),
    cache_write_tokens: random.int(100),
    audio_input_tokens: random.int(20),
    image_input_tokens: random.int(20),
    reasoning_tokens: random.pick([0, 2, 3, 4]),
    audio_output_tokens: random.int(3),
    image_output_tokens: random.int(3),
    usage_style: random.pick(styles),
    ...(random.int(3) === 0 && { ttft_ms: random.int(10), tps: 2_000 }),
    ...(fault !== null && { fault }),
  };
}

const messages = [{ role: 'user', content: 'Say something short.' }];
const stream = true;
const REQUESTS: readonly (readonly [path: string, body: object])[] = [
  ['/v1/chat/completions', { messages }],
  ['/v1/chat/completions', { messages, n: 2 }],
  ['/v1/chat/completions', { messages, stream }],
  ['/v1/chat/completions', { messages, stream, stream_options: { include_usage: true } }],
  ['/v1/completions', { prompt: 'one two', stream }],
  ['/v1/responses', { input: 'one two' }],
  ['/v1/responses', { input: 'one two', stream }],
  ['/v1/messages', { messages, max_tokens: 99 }],
  ['/v1/messages', { messages, max_tokens: 99, stream }],
  ['/v1/embeddings', { input: 'one two three' }],
];

/** What was found, as lines for people. */
export interface BooksProof {
  readonly requests: number;
  /** Rows that say to the token and to the nano-dollar what the vendor would bill. */
  readonly exact: number;
  readonly estimated: number;
  /** Empty when everything is as it must be. */
  readonly problems: readonly string[];
  readonly report: string;
}

export interface BooksProofOptions {
  readonly requests: number;
  readonly seed: number;
  readonly callers?: number;
  readonly onProgress?: (done: number) => void;
}

/** Runs gateway and vendor, sends everything, stops the gateway, and compares. */
export async function proveBooks(options: BooksProofOptions): Promise<BooksProof> {
  using lab = new ServeLab('');
  const mockFlags = ['mock', '--listen', '127.0.0.1:0', '--any-model', '--log-requests', '0'];
  await using mock = new LlmgateProcess(mockFlags, { cwd: lab.folder });
  const [, mockUrl = ''] = await mock.untilLine(/listens on (http:\S+)/);
  lab.writeConfig(configOf(mockUrl));
  const keys = [
    await lab.createKey('red', '--team', 'red', '--user', 'ann'),
    await lab.createKey('blue', '--team', 'blue', '--tenant', 'acme'),
  ];
  {
    await using served = await lab.serve();
    await sendAll(served.url, keys, options);
    await untilIdle(mockUrl);
  }
  const lines = await readInvoice(mockUrl);
  return await compare(lab, lines);
}

async function sendAll(
  url: string,
  keys: readonly IssuedKey[],
  { requests, seed, callers = 32, onProgress = () => {} }: BooksProofOptions,
): Promise<void> {
  const random = createSeededRandom(seed);
  let sent = 0;
  const call = async () => {
    while (sent < requests) {
      sent += 1;
      if (sent % 10_000 === 0) onProgress(sent);
      await ask(url, random.pick(keys).key, random);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
}

async function ask(url: string, key: string, random: SeededRandom): Promise<void> {
  const [path, body] = random.pick(REQUESTS);
  const leave = new AbortController();
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'x-mock': JSON.stringify(someBehaviour(random)),
    'x-llmgate-tags': `step=${random.int(5)}`,
  };
  const model = random.int(4) === 0 ? 'gpu' : 'small';
  const leaves = random.pick([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2] as const);
  const afterMs = random.int(12);
  try {
    const response = await fetch(url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model, ...body }),
      signal: leaves === 1 ? AbortSignal.timeout(afterMs) : leave.signal,
    });
    if (leaves === 2) {
      await response.body?.getReader().read();
      leave.abort();
    } else {
      await response.arrayBuffer();
    }
  } catch {
    // A broken answer and our own leaving: what it cost is what this is about.
  }
}

/** Asks until nothing runs: a caller who left is not told when its request has ended. */
async function untilIdle(mockUrl: string): Promise<void> {
  for (let idle = 0; idle < 3; ) {
    const stats = (await (await fetch(`${mockUrl}/mock/stats`)).json()) as { in_flight: number };
    idle = stats.in_flight === 0 ? idle + 1 : 0;
  }
}

async function readInvoice(mockUrl: string): Promise<InvoiceLine[]> {
  const all: InvoiceLine[] = [];
  for (;;) {
    const page = `${mockUrl}/mock/invoice?offset=${all.length}&limit=5000`;
    const { lines, dropped } = (await (await fetch(page)).json()) as {
      lines: InvoiceLine[];
      dropped: number;
    };
    if (dropped > 0) throw new Error(`the invoice lacks ${dropped} lines`);
    if (lines.length === 0) return all;
    all.push(...lines);
  }
}

function usageOf(from: Readonly<Record<string, unknown>>): Usage {
  const count = (name: string) => Number(from[name] ?? 0);
  return {
    ...NO_USAGE,
    inputTokens: count('input_tokens'),
    cachedInputTokens: count('cached_input_tokens'),
    cacheWriteTokens: count('cache_write_tokens'),
    audioInputTokens: count('audio_input_tokens'),
    imageInputTokens: count('image_input_tokens'),
    outputTokens: count('output_tokens'),
    reasoningTokens: count('reasoning_tokens'),
    audioOutputTokens: count('audio_output_tokens'),
    imageOutputTokens: count('image_output_tokens'),
  };
}

function billedNanoUsd(line: InvoiceLine, row: LoggedRequest): bigint {
  const price = row['model'] === 'gpu' ? GPU : TIERED;
  return BigInt(naiveCost(usageOf({ ...line }), price, Number(row['gpu_us'])) ?? 0);
}

class Group {
  rows = 0;
  booked = 0n;
  billed = 0n;

  add(row: LoggedRequest, billed: bigint): void {
    this.rows += 1;
    this.booked += BigInt(row['cost_nano_usd'] ?? 0);
    this.billed += billed;
  }
}

async function compare(lab: ServeLab, lines: readonly InvoiceLine[]): Promise<BooksProof> {
  const problems: string[] = [];
  const rows = lab.rows();
  const unbilled = new Map(rows.map((row) => [String(row['id']), row]));
  if (unbilled.size !== rows.length) problems.push('an id has two rows');
  const exact = new Group();
  const thrownAway = new Group();
  const apart = new Map<string, Group>();
  const putApart = (reason: string, row: LoggedRequest, billed: bigint) => {
    const group = apart.get(reason) ?? new Group();
    apart.set(reason, group);
    group.add(row, billed);
  };
  const byRequest = Map.groupBy(lines, (line) => (line.x_request_id ?? '').replaceAll('-', ''));
  for (const [id, ofRequest] of byRequest) {
    const row = unbilled.get(id);
    // In the order in which they ended, and each ended before the next one began.
    const line = ofRequest.at(-1);
    if (row === undefined || line === undefined) {
      problems.push(`the vendor saw ${id}, and no row has it`);
      continue;
    }
    unbilled.delete(id);
    if (ofRequest.length > Number(row['attempts'])) {
      problems.push(`${id} has ${ofRequest.length} lines and ${row['attempts']} attempts`);
    }
    for (const failed of ofRequest.slice(0, -1)) {
      if (failed.ended_by === 'complete' && failed.fault === null) {
        problems.push(`${id} was answered and asked again`);
      }
      thrownAway.add(row, billedNanoUsd(failed, row));
    }
    const billed = billedNanoUsd(line, row);
    const reason = `${row['outcome']}, ${row['usage_source']}`;
    // Answered whole and told rightly, whatever else was odd about it.
    const isRight = line.ended_by === 'complete' && line.usage_sent === 'right';
    if (row['outcome'] === 'refused') {
      if (row['cost_nano_usd'] !== 0) problems.push(`${id} was refused and costs something`);
      putApart(`refused, ${row['code']}`, row, billed);
    } else if (row['estimated'] === 1) {
      if (isRight && row['outcome'] === 'served') problems.push(`${id} is estimated: ${reason}`);
      putApart(`estimated: ${reason}`, row, billed);
    } else {
      exact.add(row, billed);
      const [booked, made] = [usageOf(row), usageOf({ ...line })];
      if (JSON.stringify(booked) !== JSON.stringify(made)) {
        problems.push(
          `${id} ${line.path} ${line.fault}: booked ${JSON.stringify(booked)}, made ${JSON.stringify(made)}`,
        );
      }
      if (BigInt(row['cost_nano_usd'] ?? -1) !== billed) {
        problems.push(`${id} costs ${row['cost_nano_usd']}, the invoice says ${billed}`);
      }
    }
  }
  for (const [id, row] of unbilled) {
    if (row['estimated'] !== 1 && row['cost_nano_usd'] !== 0) {
      problems.push(`${id} costs ${row['cost_nano_usd']}, and no vendor saw it`);
    }
    putApart(`no vendor saw it: ${row['outcome']}, ${row['code']}`, row, 0n);
  }
  if (exact.booked !== exact.billed) problems.push('the sums differ');
  const commands = await runCommands(lab, rows, problems);
  const estimated = rows.filter((row) => row['estimated'] === 1).length;
  const report = [
    `${rows.length} requests, ${lines.length} lines of the vendor's invoice`,
    line('reported by the vendor, equal in every token', exact),
    `  attempts that failed and were made again: ${thrownAway.rows}, billed ${usd(thrownAway.billed)} USD`,
    ...[...apart].sort().map(([reason, group]) => line(reason, group)),
    ...commands,
    ...problems.slice(0, 20),
    `${problems.length} problems`,
  ].join('\n');
  return { requests: rows.length, exact: exact.rows, estimated, problems, report };
}

function line(name: string, { rows, booked, billed }: Group): string {
  return `  ${name}: ${rows} rows, booked ${usd(booked)}, billed ${usd(billed)} USD`;
}

function usd(nano: bigint): string {
  return `${nano / 1_000_000_000n}.${String(nano % 1_000_000_000n).padStart(9, '0')}`;
}

/** What llmgate itself says of these books. */
async function runCommands(
  lab: ServeLab,
  rows: readonly LoggedRequest[],
  problems: string[],
): Promise<string[]> {
  const said: string[] = [];
  for (const command of [
    ['ledger', 'check'],
    ['audit', 'verify'],
  ]) {
    const { code, stdout, stderr } = await lab.run(...command);
    if (code !== 0) problems.push(`llmgate ${command.join(' ')} ends with ${code}: ${stderr}`);
    said.push(`llmgate ${command.join(' ')}: ${stdout.trim().split('\n').join('\n    ')}`);
  }
  const { total } = await lab.runJson<UsageDocument>('usage', '--by', 'outcome', '--since', '7d');
  const booked = rows.reduce((sum, row) => sum + BigInt(row['cost_nano_usd'] ?? 0), 0n);
  const told = total.cost_usd ?? '';
  const [whole = '0', part = ''] = told.split('.');
  if (BigInt(whole + part.padEnd(9, '0')) !== booked) problems.push(`usage says ${told}`);
  if (total.requests !== rows.length) problems.push(`usage counts ${total.requests} requests`);
  said.push(`llmgate usage: ${total.requests} requests, ${told} USD, ${total.estimated} estimated`);
  return said;
}
