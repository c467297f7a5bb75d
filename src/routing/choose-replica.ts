import { Affinity } from './affinity.ts';
import type { Candidates } from './candidates.ts';
import type { ModelState } from './model-state.ts';
import type { Target } from './model-table.ts';
import type { ChoiceReason, Job } from './scheduling.ts';
import { compareCost } from './target-cost.ts';

/** What a request that is being answered weighs beside prompt tokens that wait to be read. */
const BUSY_TOKENS = 500;
/**
 * What a prompt token of the last minutes weighs beside one that waits now: hardly anything, but
 * idle replicas fill their caches alike.
 */
const RECENT_PART = 0.005;
/** What never succeeds counts as 1 / 0.05³ = 8,000 times as slow. */
const LEAST_SUCCESS = 0.05;

/** Says which of its candidates a job gets, and remembers what later choices depend on. */
export class ReplicaChooser {
  readonly affinity = new Affinity();
  /** Why, of the latest choice. */
  reason: ChoiceReason = 'only';
  /** Prompt tokens that the latest choice should not have in its cache. */
  uncachedTokens = 0;
  readonly #random: () => number;
  #remembers = true;
  /** Credit of smooth weighted round robin; of targets, so that a reload begins anew. */
  readonly #credits = new WeakMap<Target, { credit: number }>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Index of the candidate; one of them must be usable. */
  choose(job: Job, model: ModelState, among: Candidates, nowMs: number): number {
    this.uncachedTokens = job.inputTokens;
    if (job.candidates.length === 1) {
      this.reason = 'only';
      return 0;
    }
    if (job.session === null && job.prefix.length === 0) {
      return this.#byPolicy(job, model, among, nowMs);
    }
    const verdict = this.affinity.find(job, among);
    let chosen = this.affinity.chosen;
    if (verdict === 'none' || verdict === 'lost') {
      chosen = this.#byPolicy(job, model, among, nowMs);
      if (verdict === 'lost') this.reason = this.affinity.merit(chosen, among) ?? 'overflow';
    } else {
      this.reason = verdict;
    }
    this.uncachedTokens = this.affinity.uncachedTokens(job, among, chosen);
    const state = among.states[chosen];
    if (state !== undefined && this.#remembers) {
      this.affinity.learn(job, state);
      state.noteRead(this.uncachedTokens, nowMs);
    }
    return chosen;
  }

  /**
   * As `choose`, but nothing is remembered: neither whose turn it was nor what the replica now
   * holds. Where chance decides, another look may say another one.
   */
  peek(job: Job, model: ModelState, among: Candidates, nowMs: number): number {
    const credits: [account: { credit: number }, credit: number][] = [];
    for (let index = 0; index < among.count; index += 1) {
      const target = among.targets[index];
      if (target === undefined) continue;
      const account = this.#creditOf(target);
      credits.push([account, account.credit]);
    }
    const { prefixHits } = this.affinity;
    this.#remembers = false;
    try {
      return this.choose(job, model, among, nowMs);
    } finally {
      this.#remembers = true;
      this.affinity.prefixHits = prefixHits;
      for (const [account, credit] of credits) account.credit = credit;
    }
  }

  #byPolicy(job: Job, model: ModelState, among: Candidates, nowMs: number): number {
    if (among.count === 1) {
      this.reason = 'only';
      return 0;
    }
    switch (job.balance) {
      case 'round_robin':
        this.reason = 'round_robin';
        return this.#inTurn(among, false);
      case 'weighted':
        this.reason = 'weight';
        return this.#inTurn(among, true);
      case 'least_busy':
        this.reason = 'least_busy';
        return leastBusy(among);
      case 'latency':
        this.reason = 'latency';
        return this.#quicker(among, nowMs);
      case 'cost':
        this.reason = 'cost';
        return cheapest(job, model, among);
      case 'sticky':
        this.reason = 'least_busy';
        return this.#leastToRead(job, among, nowMs);
    }
  }

  /**
   * Smooth weighted round robin, as nginx does it: everybody earns his weight, the richest pays for
   * all. A slow start earns less; equal weights take turns.
   */
  #inTurn(among: Candidates, isWeighted: boolean): number {
    let total = 0;
    let chosen = -1;
    let richest: { credit: number } | null = null;
    for (let index = 0; index < among.count; index += 1) {
      const target = among.targets[index];
      if (target === undefined || !among.isUsable(index)) continue;
      const earns = isWeighted ? among.share(index) : among.share(index) / target.weight;
      const account = this.#creditOf(target);
      account.credit += earns;
      total += earns;
      // What floating point leaves over must not decide between equals.
      if (richest !== null && account.credit <= richest.credit + 1e-9) continue;
      richest = account;
      chosen = index;
    }
    if (richest !== null) richest.credit -= total;
    return chosen;
  }

  #creditOf(target: Target): { credit: number } {
    let account = this.#credits.get(target);
    if (account === undefined) {
      account = { credit: 0 };
      this.#credits.set(target, account);
    }
    return account;
  }

  /** Power of two choices: of two taken at random the one that should answer first. */
  #quicker(among: Candidates, nowMs: number): number {
    const { usableCount } = among;
    const first = Math.floor(this.#random() * usableCount);
    if (usableCount === 1) return among.nthUsable(0);
    const step = 1 + Math.floor(this.#random() * (usableCount - 1));
    const one = among.nthUsable(first);
    const other = among.nthUsable((first + step) % usableCount);
    const oneMs = among.states[one]?.expectedTtftMs(nowMs) ?? 0;
    const otherMs = among.states[other]?.expectedTtftMs(nowMs) ?? 0;
    // One that was never measured is taken to be as quick as the other.
    const oneDelay = (oneMs || otherMs || 1) * hindrance(among, one, nowMs);
    const otherDelay = (otherMs || oneMs || 1) * hindrance(among, other, nowMs);
    return oneDelay <= otherDelay ? one : other;
  }

  /** New conversations go where the least is waiting to be read, and the least is being answered. */
  #leastToRead(job: Job, among: Candidates, nowMs: number): number {
    let least = Number.POSITIVE_INFINITY;
    let chosen = -1;
    for (let index = 0; index < among.count; index += 1) {
      const state = among.states[index];
      if (state === undefined || !among.isUsable(index)) continue;
      const uncached = this.affinity.uncachedTokens(job, among, index);
      const now = state.prefillTokens + uncached + (state.busy + 1) * BUSY_TOKENS;
      const tokens = now + state.recentTokens(nowMs) * RECENT_PART;
      const load = tokens / among.share(index);
      if (load >= least) continue;
      least = load;
      chosen = index;
    }
    return chosen;
  }
}

/** Ties go to the one that was configured first. */
function leastBusy(among: Candidates): number {
  let least = Number.POSITIVE_INFINITY;
  let chosen = -1;
  for (let index = 0; index < among.count; index += 1) {
    if (!among.isUsable(index)) continue;
    const load = among.load(index);
    if (load >= least) continue;
    least = load;
    chosen = index;
  }
  return chosen;
}

/** The least that this job's input and the model's usual answer cost; ties go to the least busy. */
function cheapest(job: Job, model: ModelState, among: Candidates): number {
  let least = Number.POSITIVE_INFINITY;
  let leastLoad = Number.POSITIVE_INFINITY;
  let chosen = -1;
  for (let index = 0; index < among.count; index += 1) {
    const target = among.targets[index];
    if (target === undefined || !among.isUsable(index)) continue;
    // What nobody has priced may cost anything.
    const cost = compareCost(target.price, job.inputTokens, model.outputTokens) ?? Number.MAX_VALUE;
    const load = among.load(index);
    if (cost > least || (cost === least && load >= leastLoad)) continue;
    least = cost;
    leastLoad = load;
    chosen = index;
  }
  return chosen;
}

/** Its requests, times what it costs to be sent away again. */
function hindrance(among: Candidates, index: number, nowMs: number): number {
  const failureRate = among.states[index]?.failureRate(nowMs) ?? 0;
  return among.load(index) / Math.max(LEAST_SUCCESS, 1 - failureRate) ** 3;
}
