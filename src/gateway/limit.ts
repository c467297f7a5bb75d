import type { Key } from '../core/key.ts';
import type { Exchange } from './exchange.ts';
import { outputBound } from './output-bound.ts';
import type { Call } from './read.ts';

/** Is there room? Takes rate tokens and a concurrency slot, all or none. Throws 429. */
export function limit(exchange: Exchange, caller: Key, call: Call): void {
  const { gate, model, route } = exchange;
  const subject = { key: caller, model: model?.name ?? '', endpoint: route.endpoint };
  exchange.admission = gate.limiter.admit(subject, tokensAsked(exchange, caller, call));
}

/**
 * What token rates are charged until the true figure is known: the input, and the output that the
 * request itself bounds. An unbounded request is charged its input; the rest follows at settle.
 */
function tokensAsked({ model, route }: Exchange, caller: Key, call: Call): number {
  const { inputTokens, maxOutputTokens, choices } = call.shape;
  if (model === undefined || maxOutputTokens === null || !route.wire.producesText) {
    return inputTokens;
  }
  return inputTokens + outputBound(model, call, caller).tokens * choices;
}
