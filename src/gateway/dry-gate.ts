import { GateError } from '../core/error.ts';
import { type Admission, UNLIMITED } from '../limits/admission.ts';
import type { Limiter, LimitPreview } from '../limits/limiter.ts';
import type { Amount, BudgetBook, Hold } from '../pricing/budgets.ts';
import type { Job, Peek, ReplicaLease, Scheduler } from '../routing/scheduling.ts';
import { createCounters, type Gate } from './gate.ts';
import { GateLoad } from './gate-load.ts';
import { InFlight } from './in-flight.ts';
import { createRequestTags } from './request-tags.ts';
import { Stories } from './stories.ts';

/** What the stages asked of the gate, and what they were told. */
export interface DrySeen {
  limits: LimitPreview | null;
  /** What was asked of the limits. */
  chargedTokens: number;
  /** The hold that was asked for last, and the first, which is for the whole plan. */
  hold: Amount | null;
  firstHold: Amount | null;
  readonly peeks: { readonly job: Job; readonly peek: Peek }[];
}

/** A gate at which nothing can be taken, and who asked for what. */
export interface DryGate {
  readonly gate: Gate;
  readonly seen: DrySeen;
}

/**
 * The gate as it is now for a request that is not one: the stages ask it what they always ask, and
 * it answers what they would be told. It counts nothing, holds nothing, remembers nothing, and
 * whatever could is not to be called.
 */
export function createDryGate(real: Gate): DryGate {
  const seen: DrySeen = {
    ...{ limits: null, chargedTokens: 0, hold: null, firstHold: null, peeks: [] },
  };
  const gate: Gate = {
    ...real,
    requestIds: () => 'dry-run',
    limiter: dryLimiter(real.limiter, seen),
    budgets: dryBudgets(real.budgets, seen),
    scheduler: dryScheduler(real.scheduler, seen),
    journal: { open: never, settle: never, progress: never },
    metrics: { settled: never, attempted: never },
    activity: { finished: never },
    failedLogins: { note: never },
    content: { begin: never, isFailing: real.content.isFailing },
    load: new GateLoad(),
    stories: new Stories(),
    requestTags: createRequestTags(),
    counters: createCounters(),
    inFlight: new InFlight(),
  };
  return { gate, seen };
}

function never(): never {
  throw new GateError('internal', 'A dry run has tried to take something.');
}

function dryLimiter(real: Limiter, seen: DrySeen): Limiter {
  return {
    admit(subject, tokens): Admission {
      seen.limits = real.preview(subject, tokens);
      seen.chargedTokens = tokens;
      if (seen.limits.refusal !== null) throw seen.limits.refusal;
      return UNLIMITED;
    },
    preview: (subject, tokens) => real.preview(subject, tokens),
    standing: (subject) => real.standing(subject),
    replaceRules: never,
    stats: never,
  };
}

const NO_HOLD: Hold = { settle() {}, cancel() {} };

function dryBudgets(real: BudgetBook, seen: DrySeen): BudgetBook {
  return {
    room: (payer, amount) => real.room(payer, amount),
    reserve(payer, amount) {
      seen.firstHold ??= amount;
      seen.hold = amount;
      const refusal = real.refusal(payer, amount);
      if (refusal !== null) throw refusal;
      return NO_HOLD;
    },
    refusal: (payer, amount) => real.refusal(payer, amount),
    standing: (per, subject, key) => real.standing(per, subject, key),
    ...{ starts: never, load: never, recount: never, spent: never, spentInTotal: never },
    ...{ subjects: never, rules: never, stats: never },
    ...{ replaceRules: never, replaceStored: never, replaceGrants: never },
  };
}

function dryScheduler(real: Scheduler, seen: DrySeen): Scheduler {
  return {
    ask(job, nowMs) {
      const peek = real.peek(job, nowMs);
      seen.peeks.push({ job, peek });
      if (peek.kind === 'refused') return { kind: 'refused', why: peek.why };
      // One that would wait is let on, so that the stage has an end; `peeks` says that it waits.
      const [first] = job.candidates;
      const target = peek.kind === 'place' ? peek.target : first;
      if (target === undefined) return { kind: 'refused', why: 'unavailable' };
      const reason = peek.kind === 'place' ? peek.reason : 'only';
      return { kind: 'lease', lease: { ...NO_LEASE, target, reason } };
    },
    peek: (job, nowMs) => real.peek(job, nowMs),
    views: (nowMs) => real.views(nowMs),
    lines: (nowMs) => real.lines(nowMs),
    ...{ pump: never, replaceSettings: never, stats: never },
  };
}

const NO_LEASE: Omit<ReplicaLease, 'target' | 'reason'> = {
  queuedMs: 0,
  firstToken() {},
  output() {},
  end() {},
};
