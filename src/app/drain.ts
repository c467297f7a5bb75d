import { GateError } from '../core/error.ts';
import type { Gate } from '../gateway/gate.ts';
import type { DataPlane } from '../gateway/server.ts';

/** How long requests in flight may go on after the first signal. */
const DRAIN_DEADLINE_MS = 30_000;

/**
 * Stops taking requests, lets those in flight end by themselves, and cuts what is left at the
 * deadline: settled, and told by an error frame. Resolves when nothing is in flight.
 */
export async function drain(gate: Gate, dataPlane: DataPlane): Promise<void> {
  gate.draining = true;
  gate.log.info('draining', { in_flight: gate.inFlight.size });
  const deadline = setTimeout(() => cutNow(gate), DRAIN_DEADLINE_MS);
  await dataPlane.stop();
  clearTimeout(deadline);
  gate.log.info('drained', {});
}

/** Ends every request in flight now, each with an error in its own protocol. */
export function cutNow(gate: Gate): void {
  for (const exchange of gate.inFlight) {
    exchange.stop(new GateError('draining', 'The gateway is shutting down.'));
  }
}
