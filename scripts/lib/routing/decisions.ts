import { BALANCES, type Balance } from '../../../src/routing/balance.ts';
import type { Target } from '../../../src/routing/model-table.ts';
import { hashPrefix } from '../../../src/routing/prefix-hashes.ts';
import type { EngineLoad, Replica } from '../../../src/routing/replica.ts';
import { createScheduler } from '../../../src/routing/scheduler.ts';
import type { Job } from '../../../src/routing/scheduling.ts';

const ROUNDS = 15;
const DECISIONS = 20_000;
/** Leases that are open at any time. */
const IN_FLIGHT = 64;
const PROMPT_BYTES = 32 * 1_024;
const CONVERSATIONS = 64;

export interface DecisionCost {
  readonly what: string;
  readonly us: number;
}

/** Microseconds of a decision: `ask` and `end`, and for `sticky` the hashes of a 32 KB prompt too. */
export function measureDecisions(): readonly DecisionCost[] {
  const costs: DecisionCost[] = [];
  for (const targets of [1, 16]) {
    for (const balance of BALANCES) {
      const [decide] = makeDecider(balance, targets, false);
      costs.push({ what: `${balance}, ${count(targets)}`, us: best(decide) });
    }
  }
  const [decide, hash] = makeDecider('sticky', 16, true);
  costs.push({ what: 'hashes of 32 KB alone', us: best(hash) });
  costs.push({ what: 'sticky, 16 targets, 32 KB prompt hashed', us: best(decide) });
  return costs;
}

function count(targets: number): string {
  return targets === 1 ? '1 target' : `${targets} targets`;
}

/** The best of some rounds: what the code costs when nobody disturbs the machine. */
function best(act: () => void): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    for (let done = 0; done < DECISIONS; done += 1) act();
    leastMs = Math.min(leastMs, performance.now() - startedMs);
  }
  return (leastMs * 1_000) / DECISIONS;
}

function makeDecider(balance: Balance, targets: number, isHashed: boolean) {
  const candidates: Target[] = [];
  const replicas = new Map<string, Replica>();
  for (let index = 0; index < targets; index += 1) {
    const backend = `gpu-${index}`;
    replicas.set(backend, busyReplica(backend));
    candidates.push({ backend, model: 'm', publicModel: 'm', price: null, weight: 1 });
  }
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const scheduler = createScheduler({
    replicas: (id) => replicas.get(id),
    settings: {
      maxWaiting: 100,
      modelConcurrency: new Map(),
      engineQueue: 8,
      stickyTokens: 65_536,
    },
    random,
  });
  const prompts = Array.from({ length: CONVERSATIONS }, () => makePrompt(random));
  const chains = prompts.map((bytes) => hashPrefix({ seed: 'm', bytes }));
  const subjects = Array.from({ length: 50 }, (_, index) => `key_${index}`);
  const line = { onLease: () => {}, onUnavailable: () => {} };
  const leases: { end(result: 'ok', nowMs: number): void }[] = [];
  let turn = 0;
  const decide = () => {
    turn += 1;
    const at = (turn * 7) % CONVERSATIONS;
    const chain = isHashed
      ? hashPrefix({ seed: 'm', bytes: prompts[at] ?? NO_BYTES })
      : (chains[at] ?? NO_CHAIN);
    const job: Job = {
      model: 'm',
      candidates,
      balance,
      subject: subjects[turn % subjects.length] ?? '',
      weight: 1,
      priority: 1,
      inputTokens: 8_000,
      prefix: balance === 'sticky' && targets > 1 ? chain : NO_CHAIN,
      session: null,
    };
    const asked = scheduler.ask(job, turn * 0.01, line);
    if (asked.kind !== 'lease') throw new Error(asked.kind);
    const slot = turn % IN_FLIGHT;
    leases[slot]?.end('ok', turn * 0.01);
    leases[slot] = asked.lease;
  };
  const hash = () => {
    turn += 1;
    hashPrefix({ seed: 'm', bytes: prompts[turn % CONVERSATIONS] ?? NO_BYTES });
  };
  return [decide, hash] as const;
}

const NO_CHAIN = new Uint32Array(0);
const NO_BYTES = new Uint8Array(0);

/** A bounded replica whose engine reports a load, as most are in a pool. */
function busyReplica(id: string): Replica {
  const load: EngineLoad = { running: 4, waiting: 0, kvUsed: 0.3 };
  return {
    id,
    accepts: () => true,
    isComing: false,
    isLastResort: () => false,
    maxConcurrency: 256,
    engineLoad: () => load,
    share: () => 1,
  };
}

function makePrompt(random: () => number): Uint8Array {
  return Uint8Array.from({ length: PROMPT_BYTES }, () => 32 + Math.floor(random() * 90));
}
