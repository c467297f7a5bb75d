import { GateError } from '../core/error.ts';
import type { ContentMode, Key } from '../core/key.ts';
import { type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { Amount, Payer } from '../pricing/budgets.ts';
import { holdFor, outputThatFits, tokensHeldFor, type WorstCase } from '../pricing/hold.ts';
import type { Model, Target } from '../routing/model-table.ts';
import type { Exchange } from './exchange.ts';
import { outputBound, outputLimitToSend } from './output-bound.ts';
import type { Call } from './read.ts';
import { longestContextOf, NO_FALLBACKS, type Plan } from './route.ts';
import { bookingOf } from './settle.ts';

/** Who asks, what they ask, and the model it resolved to. */
export interface Asked {
  readonly caller: Key;
  readonly call: Call;
  readonly model: Model;
}

/** An answer shorter than this helps nobody (the Responses API takes no smaller limit either). */
const SHRUNK_OUTPUT_TOKENS_MIN = 16;

/**
 * Can they pay for the dearest outcome? Holds that much in every budget and returns the plan that
 * is paid for: spares that nobody can pay are left out, and when the model itself is too dear the
 * models that stand in for that case take its place. Throws 429 `insufficient_quota`.
 */
export function reserve(exchange: Exchange, asked: Asked, plan: Plan): Plan {
  if (contentModeOf(exchange, asked.caller) !== 'off') refuseIfContentIsLost(exchange);
  let refusal: GateError | undefined;
  for (const option of payableOptions(plan)) {
    try {
      hold(exchange, asked, option);
      if (option !== plan) exchange.note('budgets do not cover the whole plan; it was cut');
      return option;
    } catch (cause) {
      if (!(cause instanceof GateError) || cause.code !== 'insufficient_quota') throw cause;
      refusal ??= cause;
    }
  }
  throw refusal ?? new GateError('internal', 'A plan without targets was made.');
}

/** The plan as it is, without its spares, and then each model that is there for want of money. */
function* payableOptions(plan: Plan): Generator<Plan> {
  const { choice, fallbacks, reachable } = plan;
  yield plan;
  if (choice.targets.length > 0 && choice.targets.length < reachable.length) {
    yield { choice, fallbacks: NO_FALLBACKS, reachable: choice.targets };
  }
  for (const cheaper of fallbacks.budget) {
    yield { choice: cheaper, fallbacks: NO_FALLBACKS, reachable: cheaper.targets };
  }
}

/**
 * Writes the open row; resolves when it is durable, so that the books know the request before a
 * backend does. Throws 503 `store_unavailable`.
 */
export async function record(exchange: Exchange, asked: Asked, target: Target): Promise<void> {
  const { caller, call, model } = asked;
  // Who left while their place was being handed over is settled: an open row would stay for ever.
  exchange.throwIfStopped();
  await recordOpen(exchange, {
    ...bookingOf(exchange, caller, call, model),
    backend: target.backend,
    inputTokensEstimate: call.shape.inputTokens,
    holdNanoUsd: exchange.heldNanoUsd,
    price: target.price,
  });
  // The caller may have left while the row was being written; the row is settled by then.
  exchange.throwIfStopped();
  const mode = contentModeOf(exchange, caller);
  if (mode === 'off') return;
  exchange.capture = exchange.gate.content.begin({ requestId: exchange.id, key: caller, mode });
  if (call.bytes !== null) exchange.capture?.request(call.bytes);
}

function contentModeOf({ generation }: Exchange, caller: Key): ContentMode {
  return caller.content ?? generation.content;
}

/** What must be kept and cannot be is not begun, unless the operator allows it; that is counted. */
function refuseIfContentIsLost({ gate, generation }: Exchange): void {
  if (!gate.content.isFailing || generation.onAuditFailure === 'allow') return;
  const message = 'The content of this request cannot be kept now, and it must be.';
  throw new GateError('store_unavailable', message);
}

/** Takes the hold, over a shorter answer where that is what the budgets ask for. */
function hold(exchange: Exchange, { caller, call, model }: Asked, plan: Plan): void {
  const { budgets } = exchange.gate;
  const { reachable: targets } = plan;
  const payer: Payer = { key: caller, model: model.name };
  exchange.longestContextTokens = longestContextOf(plan);
  const bound = outputBound(model, call, caller, exchange.longestContextTokens);
  let worst = worstCase(exchange, call, bound.tokens);
  let amount = amountOf(worst, targets);
  const room = budgets.room(payer, amount);
  let outputLimit = outputLimitToSend(bound, call.shape.maxOutputTokens, room.limited);
  const isTooMuch = amount.nanoUsd > room.nanoUsd || amount.tokens > room.tokens;
  if (isTooMuch && room.mayShrink && exchange.route.wire.producesText) {
    const fits = Math.min(
      ...targets.map(({ price }) => outputThatFits(room.nanoUsd, room.tokens, worst, price) ?? 0),
    );
    if (fits >= SHRUNK_OUTPUT_TOKENS_MIN) {
      outputLimit = fits;
      exchange.note(`budgets leave room for ${fits} tokens of output`);
      worst = worstCase(exchange, call, fits);
      amount = amountOf(worst, targets);
    }
  }
  exchange.hold = budgets.reserve(payer, amount);
  exchange.heldNanoUsd = amount.nanoUsd;
  exchange.outputLimit = outputLimit;
}

/** The most a request can use, when one choice has at most `bound` tokens of output. */
export function worstCase(
  { route, generation }: Exchange,
  { shape }: Call,
  bound: number,
): WorstCase {
  const { producesText, mediaTokensMax } = route.wire;
  return {
    inputTokens: shape.inputTokens,
    maxOutputTokens: producesText ? bound : (mediaTokensMax?.(shape) ?? 0),
    choices: shape.choices,
    maxGpuMs: generation.totalMs,
  };
}

/** The most that any of the targets can cost. */
function amountOf(worst: WorstCase, targets: readonly Target[]): Amount {
  let nanoUsd: NanoUsd = ZERO_USD;
  for (const { price } of targets) {
    if (price === null) continue;
    const cost = holdFor(worst, price);
    if (cost > nanoUsd) nanoUsd = cost;
  }
  return { nanoUsd, tokens: tokensHeldFor(worst) };
}

/** The row that must be there before a backend is asked, or the operator's word that it need not. */
async function recordOpen(
  { gate, generation }: Exchange,
  row: Parameters<typeof gate.journal.open>[0],
): Promise<void> {
  try {
    await gate.journal.open(row);
  } catch (cause) {
    const isDown = cause instanceof GateError && cause.code === 'store_unavailable';
    if (!isDown || generation.onAuditFailure === 'refuse') throw cause;
    gate.counters.unrecorded += 1;
  }
}
