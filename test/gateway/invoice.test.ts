import { expect, test } from 'vitest';
import type { InvoiceLine } from '../../src/mock/invoice.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { type LoggedRequest, startGateway } from '../support/start-gateway.ts';

/*
 * A backend that keeps its own invoice, of what it really made, against the books of the gateway.
 * The cost is worked out here once more, in bigints and in other words than the gateway's.
 */
const CONFIG = `
models:
  small:
    targets: [mock]
    context_tokens: 1000000
    price:
      input: 2.5
      cached_input: 0.25
      cache_write: 3.125
      audio_input: 40
      image_input: 5.000001
      output: 10
      reasoning: 11
      audio_output: 80
      image_output: 32
      tiers:
        - above: 200000
          input: 5
          cached_input: 0.5
          cache_write: 6.25
          audio_input: 41
          image_input: 7
          output: 15.000003
          reasoning: 16
          audio_output: 81
          image_output: 33
`;

/** Requests are sent once, so that each has one line, and nothing that fails keeps others out. */
const ONCE = `
retries: { attempts: 1 }
health: { breaker: { min_attempts: 1000 } }
`;

/** Micro-dollars per million tokens, as CONFIG says: up to 200,000 tokens of input and above. */
const RATES = {
  input: [2_500_000n, 5_000_000n],
  cached_input_tokens: [250_000n, 500_000n],
  cache_write_tokens: [3_125_000n, 6_250_000n],
  audio_input_tokens: [40_000_000n, 41_000_000n],
  image_input_tokens: [5_000_001n, 7_000_000n],
  output: [10_000_000n, 15_000_003n],
  reasoning_tokens: [11_000_000n, 16_000_000n],
  audio_output_tokens: [80_000_000n, 81_000_000n],
  image_output_tokens: [32_000_000n, 33_000_000n],
} as const;
const INPUT_PARTS = [
  ...(['cached_input_tokens', 'cache_write_tokens'] as const),
  ...(['audio_input_tokens', 'image_input_tokens'] as const),
];
const OUTPUT_PARTS = [
  ...(['reasoning_tokens', 'audio_output_tokens', 'image_output_tokens'] as const),
];
const TOKENS = ['input_tokens', ...INPUT_PARTS, 'output_tokens', ...OUTPUT_PARTS] as const;

function billedNanoUsd(line: InvoiceLine): bigint {
  const tier = line.input_tokens > 200_000 ? 1 : 0;
  let sum = BigInt(line.input_tokens) * RATES.input[tier];
  sum += BigInt(line.output_tokens) * RATES.output[tier];
  for (const part of INPUT_PARTS) {
    sum += BigInt(line[part]) * (RATES[part][tier] - RATES.input[tier]);
  }
  for (const part of OUTPUT_PARTS) {
    sum += BigInt(line[part]) * (RATES[part][tier] - RATES.output[tier]);
  }
  return (sum + 999n) / 1_000n;
}

/** All but `zero`: who says that nothing was used is believed. */
const FAULTS = [
  ...['negative', 'huge', 'unsafe', 'infinite', 'fractional', 'string'],
  ...['inconsistent', 'parts', 'missing', 'twice', 'no_choices', 'null_choices'],
].map((value): object => ({ kind: 'usage', value }));
FAULTS.push(
  ...[{ kind: 'reset', after_tokens: 3 }, { kind: 'no_terminal' }, { kind: 'malformed' }],
  ...[
    { kind: 'rate_limit', retry_after: 0 },
    { kind: 'server_error' },
    { kind: 'error_frame', after_tokens: 2 },
  ],
);

function someBehaviour(random: SeededRandom): object {
  return {
    tokens: random.int(12),
    prompt_tokens: random.int(4) === 0 ? 199_990 + random.int(20) : random.int(300),
    cached_tokens: random.int(100),
    cache_write_tokens: random.int(100),
    audio_input_tokens: random.int(100),
    image_input_tokens: random.int(100),
    reasoning_tokens: random.int(5),
    audio_output_tokens: random.int(5),
    image_output_tokens: random.int(5),
    usage_style: random.pick(['openai', 'deepseek', 'gemini']),
    ...(random.int(3) === 0 && { fault: random.pick(FAULTS) }),
  };
}

const messages = [{ role: 'user', content: 'Say something short.' }];
const REQUESTS = [
  ['/v1/chat/completions', { messages, n: 2 }],
  ['/v1/chat/completions', { messages, stream: true }],
  ['/v1/completions', { prompt: 'one two', stream: true }],
  ['/v1/responses', { input: 'one two' }],
  ['/v1/responses', { input: 'one two', stream: true }],
  ['/v1/messages', { messages, max_tokens: 99 }],
  ['/v1/messages', { messages, max_tokens: 99, stream: true }],
  ['/v1/embeddings', { input: 'one two three' }],
  ['/v1/images/generations', { prompt: 'one two', n: 3 }],
] as const;

/** Why a row does not say what the invoice says; null when it does. */
function difference(line: InvoiceLine, row: LoggedRequest): string | null {
  const booked = TOKENS.map((name) => row[name]);
  const billed = TOKENS.map((name) => line[name]);
  const isSame =
    booked.join() === billed.join() && BigInt(row['cost_nano_usd'] ?? -1) === billedNanoUsd(line);
  return isSame ? null : `booked ${booked} at ${row['cost_nano_usd']}, billed ${billed}`;
}

test('the invoice of a backend is the books, to the nano-dollar, but for what is flagged', async () => {
  await using gate = await startGateway({ config: CONFIG + ONCE });
  const random = createSeededRandom(2_026);
  for (let round = 0; round < 60; round += 1) {
    await Promise.all(
      Array.from({ length: 8 }, () => {
        const [path, body] = random.pick(REQUESTS);
        const behaviour = JSON.stringify(someBehaviour(random));
        return gate
          .post(path, { model: 'small', ...body }, { 'x-mock': behaviour })
          .catch(() => undefined);
      }),
    );
  }
  await gate.settled();
  await gate.mock.untilIdle();

  const rows = new Map(gate.rows().map((row) => [uuidOf(String(row['id'])), row]));
  const lines = gate.mock.invoice();
  expect(rows.size).toBe(480);
  expect(lines.length).toBe(480);
  let exact = 0;
  let flagged = 0;
  let refused = 0;
  for (const line of lines) {
    const row = rows.get(line.x_request_id ?? '');
    if (row === undefined) throw new Error(`nothing is booked for ${line.x_request_id}`);
    const said = `${line.path} ${line.fault}: ${row['outcome']} ${row['usage_source']}`;
    const isFree = row['outcome'] === 'refused';
    if (!isFree && row['estimated'] !== 1) {
      exact += 1;
      expect(difference(line, row), said).toBeNull();
      continue;
    }
    // What was answered whole and told rightly is neither given away nor flagged.
    const isWhole = line.ended_by === 'complete' && line.fault !== 'malformed';
    expect(isWhole && line.usage_sent === 'right', said).toBe(false);
    if (isFree) {
      refused += 1;
      expect(row['cost_nano_usd'], said).toBe(0);
    } else {
      flagged += 1;
    }
  }
  expect(Math.min(exact, flagged, refused)).toBeGreaterThan(20);
  expect(exact).toBeGreaterThan(300);
});

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
