import { GateError } from '../core/error.ts';
import type { Gate } from '../gateway/gate.ts';
import type { DataPlane } from '../gateway/server.ts';

/** How long requests in flight may go on after the first signal. */
const DRAIN_DEADLINE_MS = 30_000;

/** How long a caller has to take the error of a request that was cut. */
const LAST_WORDS_MS = 1_000;

/**
 * Stops taking requests, lets those in flight end by themselves, and cuts what is left at the
 * deadline: settled, and told by an error frame. Resolves when nothing is in flight.
 */
export async function drain(gate: Gate, dataPlane: DataPlane): Promise<void> {
  const log = gate.log.for('app');
  gate.draining = true;
  log.info('draining', { in_flight: gate.inFlight.size });
  const deadline = setTimeout(() => cutNow(gate, dataPlane), DRAIN_DEADLINE_MS);
  await dataPlane.stop();
  clearTimeout(deadline);
  log.info('drained', {});
}

/**
 * Ends every request in flight now, each with an error in its own protocol, and shortly after it
 * every connection: a caller who neither sends the rest of a body nor reads keeps nobody waiting.
 */
export function cutNow(gate: Gate, dataPlane: DataPlane): void {
  for (const exchange of gate.inFlight.all()) {
    exchange.stop(new GateError('draining', 'The gateway is shutting down.'));
  }
  setTimeout(() => dataPlane.kill(), LAST_WORDS_MS);
}
