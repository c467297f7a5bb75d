import type { Usage } from '../core/usage.ts';
import type { Gate } from '../gateway/gate.ts';

const EVERY_MS = 5_000;

/**
 * Writes what running streams have used so far, every few seconds: should the process be killed,
 * they are settled with that instead of with the input alone. Returns how to stop.
 */
export function startProgressNotes(gate: Gate): () => void {
  const lastTokens = new WeakMap<object, number>();
  const note = () => {
    for (const exchange of gate.inFlight.all()) {
      const soFar = exchange.usageSoFar?.();
      if (!soFar?.produced || lastTokens.get(exchange) === tokensOf(soFar.usage)) continue;
      lastTokens.set(exchange, tokensOf(soFar.usage));
      gate.journal.progress(exchange.id, soFar.usage);
    }
  };
  const timer = setInterval(note, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function tokensOf(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens;
}
