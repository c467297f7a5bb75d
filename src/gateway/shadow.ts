import { GateError, toGateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { ZERO_USD } from '../core/money.ts';
import { type Outcome, outcomeName } from '../core/outcome.ts';
import { NO_USAGE, type Usage, type UsageSource } from '../core/usage.ts';
import { amountDue } from '../pricing/amount-due.ts';
import { holdFor, tokensHeldFor } from '../pricing/hold.ts';
import { saneUsage, type UsageBounds } from '../pricing/usage-sanity.ts';
import type { ReplyFacts } from '../protocols/wire.ts';
import type { Target } from '../routing/model-table.ts';
import type { Booking } from '../store/rows.ts';
import { Attempt } from './attempt.ts';
import { failureToError, refusalToError, streamBroken } from './backend-failure.ts';
import type { Exchange } from './exchange.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { outputBound, outputLimitToSend, toOutputLimit } from './output-bound.ts';
import type { BackendRequest } from './ports.ts';
import { findFreePlace } from './queue.ts';
import type { Call, OutputLimit } from './read.ts';
import { worstCase } from './reserve.ts';
import { traceparentFor } from './trace.ts';

/** Copies that may be on their way at once; a shadow must never weigh on what callers wait for. */
const COPIES_MAX = 64;
const REPLY_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Whom copies are booked on: nobody's key, so that their cost is apart from every caller's, while
 * budgets over everything still count it.
 */
const SHADOW_KEY: Key = {
  id: 'shadow',
  name: 'shadow',
  user: null,
  team: null,
  tenant: null,
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
  tags: {},
  content: 'off',
};

/** The copies on their way; they end by themselves, or with the gateway. */
export class ShadowCopies {
  readonly #running = new Map<Attempt, Promise<void>>();
  #isStopping = false;

  get size(): number {
    return this.#running.size;
  }

  /** No more copies are sent. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  add(attempt: Attempt, done: Promise<void>): void {
    this.#running.set(
      attempt,
      done.finally(() => this.#running.delete(attempt)),
    );
  }

  /** Ends all of them; resolves when they are booked. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    // One that waits for its row is not on its way yet, and sees for itself.
    for (const { reply } of this.#running.keys()) {
      if (reply.sending !== undefined) reply.break(shuttingDown());
    }
    await Promise.allSettled(this.#running.values());
  }
}

/**
 * Sends the request to a shadow as well, when there is a place and money for it. Its answer is read,
 * counted and dropped; nothing of it can reach or delay the caller.
 */
export function copyToShadow(exchange: Exchange, call: Call, target: Target | null): void {
  const { caller, gate, model } = exchange;
  if (target === null || caller === undefined || model === undefined) return;
  const id = gate.requestIds();
  // Before anything is taken: headers that cannot be sent are the caller's fault.
  const headers = forwardedHeaders(exchange, call, traceparentFor(exchange, null)).map(
    ([name, value]): [string, string] => [name, name === 'x-request-id' ? id : value],
  );
  // One that is not running would have to be started, and another one stopped that callers use.
  const isManaged = gate.engines.isManaged(target.backend);
  const isSkipped = isManaged || gate.shadows.size >= COPIES_MAX;
  const choice = { ...NO_CHOICE, model, targets: [target] };
  const place = exchange.lease;
  const lease = isSkipped
    ? null
    : findFreePlace(exchange, {
        ...{ caller: SHADOW_KEY, call, choice, candidates: [target] },
        // A place of the model itself would be one that callers wait for.
        countedAs: `${model.name} (shadow)`,
      });
  // The caller's own place, which asking for another one has overwritten.
  exchange.lease = place;
  if (lease === null) {
    gate.counters.shadowsSkipped += 1;
    return;
  }
  gate.counters.shadows += 1;
  const attempt = new Attempt(gate, lease, exchange.route.endpoint);
  const request: BackendRequest = {
    method: 'POST',
    path: exchange.route.backendPath,
    headers,
    body: call.bodyFor(target, limitFor(exchange, call, target)),
  };
  const done = run(exchange, call, { id, attempt, request }).catch((cause) => {
    attempt.giveUp();
    gate.log.warn('shadow_failed', { request_id: exchange.id, backend: target.backend, cause });
  });
  gate.shadows.add(attempt, done);
}

const NO_CHOICE = { session: null, variant: null, shadow: null, rule: null, labels: [] };

interface Counted {
  readonly usage: Usage;
  readonly source: UsageSource;
}

/** What the shadow is told to stop at: a budget can only promise what its backend cannot pass. */
function limitFor(exchange: Exchange, call: Call, { backend }: Target): OutputLimit | null {
  const { model, generation } = exchange;
  if (model === undefined) return null;
  const bound = outputBound(model, call, SHADOW_KEY);
  const tokens = outputLimitToSend(bound, call.shape.maxOutputTokens, true);
  return tokens === null ? null : toOutputLimit(generation, tokens, backend);
}

interface Copy {
  /** Of its row, and as its backend sees it. */
  readonly id: string;
  readonly attempt: Attempt;
  readonly request: BackendRequest;
}

/** From the hold to the row of one copy. Rejects when it cannot be paid or recorded. */
async function run(exchange: Exchange, call: Call, { id, attempt, request }: Copy): Promise<void> {
  const { gate, model, route } = exchange;
  if (model === undefined) return;
  const { target } = attempt;
  const booking: Booking = {
    id,
    keyId: SHADOW_KEY.id,
    user: null,
    team: null,
    tenant: null,
    tags: { shadow: model.name },
    endpoint: route.endpoint,
    model: model.name,
    streamed: call.shape.stream,
    startedAtMs: attempt.startedAtMs,
  };
  const worst = worstCase(exchange, call, outputBound(model, call, SHADOW_KEY).tokens);
  const nanoUsd = target.price === null ? ZERO_USD : holdFor(worst, target.price);
  const payer = { key: SHADOW_KEY, model: model.name };
  const hold = gate.budgets.reserve(payer, { nanoUsd, tokens: tokensHeldFor(worst) });
  try {
    await gate.journal.open({
      ...booking,
      backend: target.backend,
      inputTokensEstimate: call.shape.inputTokens,
      holdNanoUsd: nanoUsd,
      price: target.price,
    });
  } catch (cause) {
    hold.cancel();
    throw cause;
  }
  const outcome = await ask(exchange, call, attempt, request).then(
    (counted): Outcome => ({ kind: 'served', ...counted }),
    (cause): Outcome => ({ kind: 'refused', code: toGateError(cause).code }),
  );
  attempt.end(outcome.kind === 'served' ? 'ok' : 'failed', codeOf(outcome));
  const gpuUs = attempt.gpuLease?.end() ?? 0;
  const due = amountDue(outcome, target.price, gpuUs);
  if (outcome.kind === 'refused') hold.cancel();
  else {
    const { inputTokens, outputTokens } = due.usage;
    hold.settle({ nanoUsd: due.costNanoUsd ?? ZERO_USD, tokens: inputTokens + outputTokens });
  }
  const endedMs = attempt.endedMs ?? attempt.startedMs;
  await gate.journal.settle(
    {
      ...booking,
      backend: target.backend,
      outcome: outcomeName(outcome),
      code: codeOf(outcome),
      status: attempt.status ?? 503,
      finishedAtMs: gate.clock.nowMs(),
      ttftMs: attempt.firstTokenMs === undefined ? null : attempt.firstTokenMs - attempt.startedMs,
      backendMs: endedMs - attempt.startedMs,
      usage: due.usage,
      usageSource: 'source' in outcome ? outcome.source : 'none',
      estimated: due.estimated,
      costNanoUsd: due.costNanoUsd,
      price: target.price,
      attempts: attempt.reply.sending === undefined ? 0 : 1,
      gpuUs: outcome.kind === 'refused' ? 0 : gpuUs,
      contentRef: null,
    },
    [],
  );
}

function shuttingDown(): GateError {
  return new GateError('draining', 'The gateway is shutting down.');
}

function codeOf(outcome: Outcome) {
  return 'code' in outcome ? outcome.code : null;
}

/** Reads the whole answer and says what it used. */
async function ask(
  { generation, route, gate, model }: Exchange,
  call: Call,
  attempt: Attempt,
  request: BackendRequest,
): Promise<Counted> {
  const { reply, target } = attempt;
  if (gate.shadows.isStopping) throw shuttingDown();
  attempt.begin();
  reply.sending = generation.sender.send(target, request, reply);
  const head = await reply.head;
  if ('stage' in head) throw failureToError(head);
  attempt.status = head.status;
  const tooLong = () => toGateError(new Error('the answer of the shadow is too long'));
  const { shape } = call;
  if (head.status !== 200) {
    throw refusalToError(head, await reply.collect(REPLY_BYTES_MAX, tooLong), gate.clock.nowMs());
  }
  const bounds = {
    inputTokensEstimate: shape.inputTokens,
    contextTokens: model?.longestContextTokens ?? null,
    choices: shape.choices,
  };
  const body = await reply.collect(REPLY_BYTES_MAX, tooLong);
  attempt.sawContent();
  if (!shape.stream) {
    return believable(route.wire.readReply(body), bounds);
  }
  const reader = route.wire.openStream({ usageRequested: true });
  const { fault, end } = reader.push(body);
  if (fault !== null) throw fault;
  if (end === null) throw streamBroken();
  return believable(reader, bounds);
}

function believable(
  { usage: reported, isUsageSound, outputTokensCounted }: ReplyFacts,
  bounds: Omit<UsageBounds, 'outputTokensCounted'>,
): Counted {
  if (reported === null) {
    const inputTokens = bounds.inputTokensEstimate;
    return {
      usage: { ...NO_USAGE, inputTokens, outputTokens: outputTokensCounted },
      source: 'counted',
    };
  }
  const { usage, clamped } = saneUsage(reported, { ...bounds, outputTokensCounted });
  return { usage, source: clamped || !isUsageSound ? 'clamped' : 'reported' };
}
