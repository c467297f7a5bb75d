import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { type NanoUsd, ZERO_USD } from '../core/money.ts';
import { holdFor } from '../pricing/hold.ts';
import type { Model } from '../routing/model-table.ts';
import type { Exchange } from './exchange.ts';
import { outputBound } from './output-bound.ts';
import type { Call } from './read.ts';
import type { Plan } from './route.ts';
import { bookingOf } from './settle.ts';

/** Who asks, what they ask, and the model it resolved to. */
interface Asked {
  readonly caller: Key;
  readonly call: Call;
  readonly model: Model;
}

/**
 * Can they pay for the dearest outcome? Holds that much in every budget, then writes the open row;
 * returns when the row is durable. Throws 429 `insufficient_quota` and 503 `store_unavailable`.
 */
export async function reserve(exchange: Exchange, asked: Asked, plan: Plan): Promise<void> {
  const { gate } = exchange;
  const holdNanoUsd = worstCase(exchange, asked);
  exchange.hold = gate.budgets.reserve(asked.caller, holdNanoUsd);
  const { caller, call, model } = asked;
  await gate.journal.open({
    ...bookingOf(exchange, caller, call, model),
    backend: plan[0]?.backend ?? '',
    inputTokensEstimate: call.shape.inputTokens,
    holdNanoUsd,
    price: model.price,
  });
  // The caller may have left while the row was being written; the row is settled by then.
  exchange.throwIfStopped();
}

function worstCase(exchange: Exchange, { model, call }: Asked): NanoUsd {
  if (model.price === null) {
    if (exchange.generation.unpricedModels === 'allow') return ZERO_USD;
    throw new GateError(
      'policy_denied',
      `The model "${model.name}" has no price, and requests for unpriced models are refused.`,
    );
  }
  const { inputTokens, choices } = call.shape;
  const maxOutputTokens = exchange.route.wire.producesText ? outputBound(model, call) : 0;
  return holdFor({ inputTokens, maxOutputTokens, choices }, model.price);
}
