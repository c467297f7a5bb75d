import type { Usage } from '../core/usage.ts';
import type { Gate } from '../gateway/gate.ts';
import { usageBoundsOf } from '../gateway/usage-bounds.ts';
import { saneUsage } from '../pricing/usage-sanity.ts';

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
      if (!soFar?.produced) continue;
      const { usage } = saneUsage(soFar.usage, usageBoundsOf(exchange));
      if (lastTokens.get(exchange) === tokensOf(usage)) continue;
      lastTokens.set(exchange, tokensOf(usage));
      gate.journal.progress(exchange.id, usage);
    }
  };
  const timer = setInterval(note, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function tokensOf(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens;
}
