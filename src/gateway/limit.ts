import type { Key } from '../core/key.ts';
import type { Exchange } from './exchange.ts';
import type { Call } from './read.ts';

/** Is there room? Takes rate tokens and a concurrency slot, all or none. Throws 429. */
export function limit(exchange: Exchange, caller: Key, call: Call): void {
  const subject = {
    key: caller,
    model: exchange.model?.name ?? '',
    endpoint: exchange.route.endpoint,
  };
  // Output counts against token rates too; what is not used is given back at settle.
  const tokens = call.shape.inputTokens + (call.shape.maxOutputTokens ?? 0) * call.shape.choices;
  exchange.admission = exchange.gate.limiter.admit(subject, tokens);
}
