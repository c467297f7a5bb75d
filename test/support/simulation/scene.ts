import { createSecret, digestSecret, renderKeyText } from '../../../src/access/key-format.ts';
import { type Key, type KeyLimits, WINDOWS } from '../../../src/core/key.ts';
import type { Price, Rates } from '../../../src/core/price.ts';
import type { LimitRule } from '../../../src/limits/rule.ts';
import { BUDGET_SCOPES, type BudgetRule } from '../../../src/pricing/budget-rule.ts';
import { FALLBACK_CAUSES, type FallbackCause } from '../../../src/routing/fallback-cause.ts';
import { createModelTable, type ModelTable } from '../../../src/routing/model-table.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { someKey } from '../some-key.ts';

/** Prices of the targets, cheap and dear. */
export interface Prices {
  readonly small: Price;
  readonly dear: Price;
  readonly gpu: Price;
}

/** How backends are, and what may be done about those that fail. Drawn once. */
export interface PoolRules {
  readonly attempts: number;
  readonly holdMs: number;
  readonly maxWaitMs: number;
  readonly keepAliveMs: number | null;
  readonly maxWaiting: number;
  readonly bytesInFlight: number;
  /** Places of each backend; null: as many as come. */
  readonly places: Readonly<Record<string, number | null>>;
  /** Backends that may work on what another one may have worked on. */
  readonly resend: readonly string[];
  /** Some models are hedged. */
  readonly hedges: boolean;
  readonly shadows: boolean;
  /** Backends have several credentials. */
  readonly hasOtherKeys: boolean;
}

/** Which of the other models stand in for one. */
type Spares = Readonly<Record<string, Partial<Record<FallbackCause, readonly string[]>>>>;

export interface IssuedKey {
  readonly key: Key;
  readonly text: string;
}

export const CONTEXT_TOKENS = 4_000;
export const MODEL_MAX_TOKENS = 300;
/** What the model `free` may answer when nobody says anything. */
export const UNBOUNDED_TOKENS = 16_384;

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'America/Havana'];

/** Moments after which something happens to clocks or calendars soon. */
const STARTS = [
  Date.UTC(2026, 9, 24, 21, 40),
  Date.UTC(2026, 2, 28, 23, 5),
  Date.UTC(2026, 10, 1, 4, 50),
  Date.UTC(2026, 11, 31, 22, 10),
  Date.UTC(2026, 5, 15, 12, 0),
];

/** Who asks, what it costs and what is allowed: drawn once, and some of it again at a reload. */
export class Scene {
  readonly zone: string;
  readonly startMs: number;
  readonly keys: readonly IssuedKey[];
  readonly limits: readonly LimitRule[];
  readonly totalMs: number;
  readonly openAi: readonly string[];
  readonly pool: PoolRules;
  prices: Prices;
  spares: Spares = {};
  rules: readonly BudgetRule[] = [];
  unpriced: 'allow' | 'deny' = 'allow';
  onAuditFailure: 'refuse' | 'allow' = 'refuse';
  /** Some generation has allowed requests that could not be recorded. */
  everAllowed = false;

  constructor(random: SeededRandom) {
    this.zone = random.pick(ZONES);
    this.startMs = random.pick(STARTS) + random.int(3_600_000);
    this.keys = PEOPLE.map((people, index) => someIssuedKey(random, people, index));
    this.limits = random.int(2) === 0 ? [] : [concurrencyRule(random)];
    this.totalMs = random.pick([5_000, 60_000]);
    this.openAi = random.int(2) === 0 ? [] : ['cloud'];
    this.pool = somePool(random);
    this.prices = somePrices(random);
    this.draw(random);
  }

  models(): ModelTable {
    return someModels(this.prices, this.pool, this.spares);
  }

  draw(random: SeededRandom): void {
    this.prices = somePrices(random);
    this.spares = someSpares(random);
    this.rules = Array.from({ length: random.int(7) }, () => someRule(random));
    this.unpriced = random.pick(['allow', 'allow', 'deny']);
    this.onAuditFailure = random.pick(['refuse', 'allow']);
    this.everAllowed ||= this.onAuditFailure === 'allow';
  }
}

const PEOPLE: readonly Partial<Key>[] = [
  { user: 'ann', team: 'red', tenant: 'acme', tags: { env: 'ci' } },
  { user: 'bob', team: 'red', tenant: 'acme' },
  { user: 'cy', team: 'blue', tenant: 'acme' },
  { user: 'ann', team: 'blue', tenant: 'zeta' },
  {},
];

/** Every subject that can have a budget, by scope. */
export const SUBJECTS: Readonly<Record<(typeof BUDGET_SCOPES)[number], readonly string[]>> = {
  all: [''],
  tenant: ['acme', 'zeta'],
  team: ['red', 'blue'],
  user: ['ann', 'bob', 'cy'],
  key: PEOPLE.map((_, index) => keyId(index)),
  model: ['small', 'two', 'gpu', 'free'],
};

function keyId(index: number): string {
  return `KEY00000000${index}`;
}

function someIssuedKey(random: SeededRandom, people: Partial<Key>, index: number): IssuedKey {
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => random.int(256));
  const secret = createSecret(bytes);
  const id = keyId(index);
  const limits: Partial<KeyLimits> = {
    budget:
      random.int(3) === 0
        ? { nanoUsd: someAmount(random, 'usd'), window: random.pick(WINDOWS) }
        : null,
    tokenBudget:
      random.int(4) === 0
        ? { tokens: someAmount(random, 'tokens'), window: random.pick(WINDOWS) }
        : null,
    maxOutputTokens: random.int(4) === 0 ? 20 + random.int(100) : null,
    concurrency: random.int(4) === 0 ? 3 : null,
  };
  const secrets = [{ digest: digestSecret(secret), createdAtMs: 0, expiresAtMs: null }];
  const content = random.int(3) === 0 ? 'full' : null;
  const key = someKey({ ...people, id, name: `key ${index}`, secrets, limits, content });
  return { key, text: renderKeyText(id, secret) };
}

function concurrencyRule(random: SeededRandom): LimitRule {
  return {
    per: random.pick(['key', 'user', 'all']),
    model: null,
    endpoint: null,
    requests: null,
    tokens: null,
    concurrent: 4 + random.int(4),
  };
}

/** About what a few or many requests hold. */
export function someAmount(random: SeededRandom, measure: 'usd' | 'tokens'): number {
  const requests = random.int(2) === 0 ? 1 + random.int(12) : 10 + random.int(200);
  return measure === 'tokens' ? requests * 300 : requests * 1_500_000;
}

function someRule(random: SeededRandom): BudgetRule {
  const per = random.pick(BUDGET_SCOPES);
  const measure = random.pick(['usd', 'tokens'] as const);
  const named = per === 'all' || per === 'key' || random.int(3) > 0 ? null : SUBJECTS[per];
  return {
    per,
    name: named === null ? null : random.pick(named),
    measure,
    limit: someAmount(random, measure),
    window: random.pick(WINDOWS),
    alertAt: random.int(2) === 0 ? [] : [50, 100],
    onExceed: random.pick(['refuse', 'shrink', 'shrink']),
  };
}

const BACKENDS = ['box', 'cloud'];

function somePool(random: SeededRandom): PoolRules {
  const places = () => random.pick([null, null, 1, 2, 4]);
  return {
    attempts: 1 + random.int(3),
    holdMs: random.pick([900, 5_000]),
    maxWaitMs: random.pick([3_000, 20_000]),
    keepAliveMs: random.pick([null, 1_000]),
    maxWaiting: random.pick([1, 4, 1_000]),
    bytesInFlight: random.pick([1e9, 1e9, 2_000]),
    places: { box: places(), cloud: places() },
    resend: BACKENDS.filter(() => random.int(2) === 0),
    hedges: random.int(2) === 0,
    shadows: random.int(3) === 0,
    hasOtherKeys: random.int(3) === 0,
  };
}

/** A model falls back only to those after it, so that nothing goes round. */
const IN_ORDER = ['gpu', 'small', 'two', 'free'];

function someSpares(random: SeededRandom): Spares {
  const some = (index: number) =>
    FALLBACK_CAUSES.map((cause) => {
      const after = IN_ORDER.slice(index + 1);
      const isNone = after.length === 0 || random.int(2) === 0;
      return [cause, isNone ? [] : [random.pick(after)]] as const;
    });
  return Object.fromEntries(IN_ORDER.map((name, index) => [name, Object.fromEntries(some(index))]));
}

function someRates(random: SeededRandom, times: number): Rates {
  const rate = (upTo: number) => 1 + random.int(upTo * times);
  return {
    input: rate(3_000_000),
    cachedInput: rate(1_000_000),
    cacheWrite: rate(4_000_000),
    audioInput: rate(9_000_000),
    imageInput: rate(2_000_000),
    output: rate(10_000_000),
    reasoning: rate(12_000_000),
    audioOutput: rate(9_000_000),
    imageOutput: rate(9_000_000),
  };
}

function somePrices(random: SeededRandom): Prices {
  const tier = (times: number) => ({
    ...someRates(random, times),
    aboveInputTokens: 20 + random.int(60),
  });
  const small = { ...someRates(random, 1), tiers: [], gpuHour: 0 };
  const dear = { ...someRates(random, 2), tiers: [tier(3)], gpuHour: 0 };
  const gpu = { ...someRates(random, 1), tiers: [], gpuHour: 1 + random.int(3_000_000) };
  return { small, dear, gpu };
}

/** What a model says of its routing when nobody has said anything. */
const PLAIN_ROUTING = {
  balance: 'round_robin',
  firstByteMs: null,
  session: [],
  rules: [],
  variants: [],
  shadow: null,
  hedge: null,
} as const;

const NO_SPARES = { unavailable: [], rate_limited: [], context: [], refused: [], budget: [] };

function someModels(
  { small, dear, gpu }: Prices,
  { hedges, shadows }: PoolRules,
  spares: Spares,
): ModelTable {
  const at = (backend: string, price: Price | null) => ({
    backend,
    model: 'm',
    price,
    weight: null,
  });
  const model = (name: string, price: Price | null, targets: ReturnType<typeof at>[]) => ({
    ...PLAIN_ROUTING,
    ...{ name, price, targets, aliases: [] },
    contextTokens: CONTEXT_TOKENS,
    maxOutputTokens: name === 'free' ? null : MODEL_MAX_TOKENS,
    hedge: hedges && targets.length > 1 ? { after: { ms: 60 }, budget: 1 } : null,
    shadow: shadows && name === 'small' ? { target: at('cloud', dear), share: 0.5 } : null,
    fallback: { ...NO_SPARES, ...spares[name] },
  });
  const both = [at('box', null), at('cloud', dear)];
  return createModelTable(
    [
      model('small', small, [at('box', null)]),
      model('two', small, both),
      model('gpu', gpu, [at('box', null)]),
      model('free', null, both),
    ],
    [],
    new Map(),
  );
}
