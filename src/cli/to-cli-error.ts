import { OperationError, type OperationErrorCode } from '../admin/operation-error.ts';
import { ConfigError } from '../config/problem.ts';
import { GateError } from '../core/error.ts';
import { StoreError, StoreInUseError } from '../store/store-error.ts';
import { CliError, EXIT, type ExitCode } from './exit-code.ts';
import { toVisibleText } from './visible-text.ts';

const OPERATION_EXITS: Record<OperationErrorCode, ExitCode> = {
  invalid: EXIT.usage,
  unauthenticated: EXIT.notAllowed,
  not_allowed: EXIT.notAllowed,
  not_found: EXIT.notFound,
  name_taken: EXIT.failed,
  conflict: EXIT.failed,
  too_large: EXIT.usage,
  unavailable: EXIT.failed,
  not_running: EXIT.unreachable,
  internal: EXIT.failed,
};

/**
 * What an operation threw, as what a command may say: the one place where a failure gets its exit
 * code. Anything unknown is a bug and comes back as it is.
 */
export function toCliError(cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new CliError('interrupted', EXIT.interrupted);
  if (cause instanceof OperationError) {
    return new CliError(toVisibleLines(cause.message), OPERATION_EXITS[cause.code]);
  }
  if (cause instanceof ConfigError) {
    return new CliError(toVisibleLines(cause.message), EXIT.config);
  }
  if (cause instanceof StoreInUseError) {
    return new CliError(
      toVisibleLines(cause.message),
      EXIT.unreachable,
      'If that is a gateway, it is starting, stopping or stuck: its admin socket is silent.',
    );
  }
  // A store that cannot be written says so as a caller of the gateway would hear it.
  if (cause instanceof StoreError || isUnavailable(cause)) {
    return new CliError(toVisibleLines(cause.message));
  }
  return cause;
}

function isUnavailable(cause: unknown): cause is GateError {
  return cause instanceof GateError && cause.code === 'store_unavailable';
}

/** Messages quote names and paths: their lines are kept, their control characters are not. */
function toVisibleLines(message: string): string {
  return message.split('\n').map(toVisibleText).join('\n');
}
