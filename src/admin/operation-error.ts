/** Why an administrative operation was not done, with the HTTP status that says so. */
export const OPERATION_ERRORS = {
  invalid: { status: 400 },
  /** Over TCP: no key of the configuration came with the request. */
  unauthenticated: { status: 401 },
  /** Over TCP: the role of the key does not allow it, or it is not offered there. */
  not_allowed: { status: 403 },
  not_found: { status: 404 },
  name_taken: { status: 409 },
  /** The object exists, but is in a state that does not allow the change. */
  conflict: { status: 409 },
  too_large: { status: 413 },
  /** The books cannot be read or written. */
  unavailable: { status: 503 },
  /** Only a running gateway can answer this, and none is running. */
  not_running: { status: 503 },
  internal: { status: 500 },
} as const;

export type OperationErrorCode = keyof typeof OPERATION_ERRORS;

/** `message` is shown to the operator as it is: one sentence, no stack, no secret. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: OperationErrorCode;

  constructor(code: OperationErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

export function isOperationErrorCode(code: string): code is OperationErrorCode {
  return Object.hasOwn(OPERATION_ERRORS, code);
}
