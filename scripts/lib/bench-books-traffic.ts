import type { Key } from '../../src/core/key.ts';
import { ZERO_USD } from '../../src/core/money.ts';
import type { Price } from '../../src/core/price.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { costOf } from '../../src/pricing/cost.ts';
import type { AttemptRow, FinishedRow } from '../../src/store/rows.ts';

/** The keys of the traffic: each has a user of its own, one of 50 teams, one of 5 tenants. */
export const KEYS = 1_000;

const MODELS = 12;
const QUARTER_MS = 900_000;
const QUARTERS_PER_DAY = 96;

/** A model and the backend that served it. */
interface Target {
  readonly model: string;
  readonly backend: string;
  readonly price: Price;
}

interface Member {
  readonly key: Key;
  readonly targets: readonly Target[];
  readonly streamed: boolean;
}

/** Made-up requests of 1,000 keys over 13 months, always the same for the same number of rows. */
export interface Traffic {
  readonly keys: readonly Key[];
  /** Started in this quarter of an hour, in the order in which they started. */
  quarter(quarter: number, requests: number): FinishedRow[];
  /** Of a row that had more than one. */
  attempts(row: FinishedRow): readonly AttemptRow[];
}

export function createTraffic(seed = 1): Traffic {
  const random = createRandom(seed);
  const members = Array.from({ length: KEYS }, (_, index) => createMember(index));
  return {
    keys: members.map(({ key }) => key),
    quarter(quarter, requests) {
      const times = Array.from({ length: requests }, () => Math.floor(random() * QUARTER_MS));
      times.sort((a, b) => a - b);
      return times.map((offset) => createRow(members, quarter * QUARTER_MS + offset, random));
    },
    attempts: attemptsOf,
  };
}

/**
 * How many of `rows` requests fall into each quarter of an hour: five times as many in working hours
 * as at night, half as many on a weekend.
 */
export function* spreadOver(
  rows: number,
  fromQuarter: number,
  quarters: number,
): Generator<readonly [quarter: number, requests: number]> {
  let total = 0;
  for (let at = 0; at < quarters; at += 1) total += weightOf(fromQuarter + at);
  let weight = 0;
  let given = 0;
  for (let at = 0; at < quarters; at += 1) {
    weight += weightOf(fromQuarter + at);
    const upTo = Math.round((rows * weight) / total);
    yield [fromQuarter + at, upTo - given];
    given = upTo;
  }
}

function weightOf(quarter: number): number {
  const hour = Math.floor((quarter % QUARTERS_PER_DAY) / 4);
  // The epoch was a Thursday.
  const day = (Math.floor(quarter / QUARTERS_PER_DAY) + 4) % 7;
  return (hour >= 8 && hour < 18 ? 5 : 1) * (day === 0 || day === 6 ? 0.5 : 1);
}

function createMember(index: number): Member {
  const targets = Array.from({ length: 1 + (index % 3) }, (_, at) => createTarget(index * 7 + at));
  const key: Key = {
    id: `K${String(index).padStart(11, '0')}`,
    name: `key-${index}`,
    user: `user-${index}`,
    team: `team-${index % 50}`,
    tenant: `tenant-${index % 5}`,
    status: 'active',
    createdAtMs: 0,
    expiresAtMs: null,
    secrets: [],
    models: null,
    endpoints: null,
    limits: {
      requestsPerMinute: null,
      tokensPerMinute: null,
      concurrency: null,
      budget: null,
      tokenBudget: null,
      maxOutputTokens: null,
    },
    tags: { env: index % 4 === 0 ? 'test' : 'prod' },
    content: null,
  };
  return { key, targets, streamed: index % 2 === 0 };
}

function createTarget(index: number): Target {
  const model = index % MODELS;
  return {
    model: `model-${model}`,
    backend: `backend-${(model * 2 + (index % 2)) % 20}`,
    price: PRICES[model % PRICES.length] as Price,
  };
}

const PRICES = [
  createPrice(500_000, 1_500_000),
  createPrice(2_500_000, 10_000_000, 250_000),
  createPrice(3_000_000, 15_000_000, 300_000),
];

export function createPrice(input: number, output: number, cachedInput = input): Price {
  return {
    input,
    cachedInput,
    cacheWrite: input,
    audioInput: input,
    imageInput: input,
    output,
    reasoning: output,
    audioOutput: output,
    imageOutput: output,
    tiers: [],
    gpuHour: 0,
  };
}

function createRow(
  members: readonly Member[],
  startedAtMs: number,
  random: () => number,
): FinishedRow {
  // A few keys make most of the requests: a tenth of them about half.
  const member = members[Math.floor(random() ** 3 * KEYS)] as Member;
  const { key, streamed, targets } = member;
  const target = targets[Math.floor(random() ** 2 * targets.length)] as Target;
  const luck = random();
  const isRefused = luck < 0.01;
  const isCut = luck >= 0.01 && luck < 0.025;
  const inputTokens = Math.floor(50 + 20_000 * random() ** 4);
  const outputTokens = Math.floor(5 + 2_000 * random() ** 3);
  const usage = isRefused
    ? NO_USAGE
    : {
        ...NO_USAGE,
        inputTokens,
        cachedInputTokens: random() < 0.4 ? Math.floor(inputTokens * 0.8) : 0,
        outputTokens,
        reasoningTokens: random() < 0.2 ? Math.floor(outputTokens * 0.6) : 0,
      };
  const ttftMs = 40 + 800 * random() ** 3;
  const durationMs = Math.floor(ttftMs + outputTokens * 12);
  return {
    id: Bun.randomUUIDv7('hex', startedAtMs),
    keyId: key.id,
    user: key.user,
    team: key.team,
    tenant: key.tenant,
    tags: key.tags,
    endpoint: 'chat',
    model: target.model,
    streamed,
    startedAtMs,
    backend: isRefused ? null : target.backend,
    outcome: isRefused ? 'refused' : isCut ? 'cut_by_caller' : 'served',
    code: isRefused ? 'rate_limit_exceeded' : isCut ? 'caller_gone' : null,
    status: isRefused ? 429 : 200,
    finishedAtMs: startedAtMs + (isRefused ? 1 : durationMs),
    ttftMs: isRefused ? null : ttftMs,
    backendMs: isRefused ? null : durationMs - 0.2,
    usage,
    usageSource: isRefused ? 'none' : 'reported',
    estimated: isCut,
    costNanoUsd: isRefused ? ZERO_USD : costOf(usage, target.price, 0),
    price: target.price,
    attempts: isRefused ? 0 : luck > 0.99 ? 2 : 1,
    gpuUs: 0,
    contentRef: null,
  };
}

function attemptsOf({ attempts, backend, startedAtMs }: FinishedRow): readonly AttemptRow[] {
  if (attempts < 2) return NO_ATTEMPTS;
  return [
    {
      attempt: 1,
      backend: 'backend-20',
      startedAtMs,
      durationMs: 30,
      code: 'no_backend_available',
      status: 503,
    },
    {
      attempt: 2,
      backend: backend ?? '',
      startedAtMs: startedAtMs + 30,
      durationMs: 900,
      code: null,
      status: 200,
    },
  ];
}

const NO_ATTEMPTS: readonly AttemptRow[] = [];

/** mulberry32: 0 up to 1, exclusive. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
