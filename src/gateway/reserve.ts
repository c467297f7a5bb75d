import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { Amount, Payer } from '../pricing/budgets.ts';
import { holdFor, outputThatFits, tokensHeldFor, type WorstCase } from '../pricing/hold.ts';
import type { Model } from '../routing/model-table.ts';
import type { Exchange } from './exchange.ts';
import { outputBound, outputLimitToSend } from './output-bound.ts';
import type { Call } from './read.ts';
import type { Plan } from './route.ts';
import { bookingOf } from './settle.ts';

/** Who asks, what they ask, and the model it resolved to. */
interface Asked {
  readonly caller: Key;
  readonly call: Call;
  readonly model: Model;
}

/** An answer shorter than this helps nobody (the Responses API takes no smaller limit either). */
const SHRUNK_OUTPUT_TOKENS_MIN = 16;

/**
 * Can they pay for the dearest outcome? Holds that much in every budget, then writes the open row;
 * returns when the row is durable. Throws 429 `insufficient_quota` and 503 `store_unavailable`.
 */
export async function reserve(exchange: Exchange, asked: Asked, plan: Plan): Promise<void> {
  const { caller, call, model } = asked;
  const mode = caller.content ?? exchange.generation.content;
  if (mode !== 'off') refuseIfContentIsLost(exchange);
  const held = hold(exchange, asked, plan);
  await recordOpen(exchange, {
    ...bookingOf(exchange, caller, call, model),
    backend: plan[0].backend,
    inputTokensEstimate: call.shape.inputTokens,
    holdNanoUsd: held.nanoUsd,
    price: plan[0].price,
  });
  // The caller may have left while the row was being written; the row is settled by then.
  exchange.throwIfStopped();
  if (mode === 'off') return;
  exchange.capture = exchange.gate.content.begin({ requestId: exchange.id, key: caller, mode });
  if (call.bytes !== null) exchange.capture?.request(call.bytes);
}

/** What must be kept and cannot be is not begun, unless the operator allows it; that is counted. */
function refuseIfContentIsLost({ gate, generation }: Exchange): void {
  if (!gate.content.isFailing || generation.onAuditFailure === 'allow') return;
  const message = 'The content of this request cannot be kept now, and it must be.';
  throw new GateError('store_unavailable', message);
}

/** Takes the hold, over a shorter answer where that is what the budgets ask for. */
function hold(exchange: Exchange, { caller, call, model }: Asked, plan: Plan): Amount {
  const { budgets } = exchange.gate;
  const payer: Payer = { key: caller, model: model.name };
  const bound = outputBound(model, call, caller);
  let worst = worstCase(exchange, call, bound.tokens);
  let amount = amountOf(worst, plan);
  const room = budgets.room(payer, amount);
  let outputLimit = outputLimitToSend(bound, call.shape.maxOutputTokens, room.limited);
  const isTooMuch = amount.nanoUsd > room.nanoUsd || amount.tokens > room.tokens;
  if (isTooMuch && room.mayShrink && exchange.route.wire.producesText) {
    const fits = Math.min(
      ...plan.map(({ price }) => outputThatFits(room.nanoUsd, room.tokens, worst, price) ?? 0),
    );
    if (fits >= SHRUNK_OUTPUT_TOKENS_MIN) {
      outputLimit = fits;
      worst = worstCase(exchange, call, fits);
      amount = amountOf(worst, plan);
    }
  }
  exchange.hold = budgets.reserve(payer, amount);
  exchange.outputLimit = outputLimit;
  return amount;
}

function worstCase({ route, generation }: Exchange, { shape }: Call, bound: number): WorstCase {
  const { producesText, mediaTokensMax } = route.wire;
  return {
    inputTokens: shape.inputTokens,
    maxOutputTokens: producesText ? bound : (mediaTokensMax?.(shape) ?? 0),
    choices: shape.choices,
    maxGpuMs: generation.totalMs,
  };
}

/** The most that any target of the plan can cost. */
function amountOf(worst: WorstCase, plan: Plan): Amount {
  let nanoUsd: NanoUsd = ZERO_USD;
  for (const { price } of plan) {
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
