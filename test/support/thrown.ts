import { GateError } from '../../src/core/error.ts';

/** The GateError that `act` throws. Fails when it throws none. */
export function thrownBy(act: () => unknown): GateError {
  try {
    act();
  } catch (cause) {
    if (cause instanceof GateError) return cause;
    throw cause;
  }
  throw new Error('expected a GateError, but nothing was thrown');
}
