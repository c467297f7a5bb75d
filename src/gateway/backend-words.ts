import { GateError } from '../core/error.ts';

/*
 * What a backend says of its failures is passed on: faults of a request to the caller, its own to
 * the log. Some say more than they should: the credential they were sent, the prompt that failed.
 */

const STRUCK_OUT = '***';

/** The text without any of the credentials that we hold for backends. */
export function withoutSecrets(words: string, secrets: readonly string[]): string {
  let clean = words;
  for (const secret of secrets) clean = clean.replaceAll(secret, STRUCK_OUT);
  return clean;
}

/** The error as a caller may see it. */
export function errorWithoutSecrets(error: GateError, secrets: readonly string[]): GateError {
  const message = withoutSecrets(error.message, secrets);
  if (message === error.message) return error;
  const { cause, param, retryAfterMs } = error;
  return new GateError(error.code, message, {
    cause,
    ...(param === undefined ? {} : { param }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** What a backend was asked, and under which name it knows the model. */
export interface Asked {
  readonly body: Uint8Array | null;
  readonly model: string;
}

/** So much of a request in a row is no coincidence. */
const ECHO_LENGTH = 16;
const ECHO_STEP = 8;
const SEARCHED_BYTES_MAX = 1024 * 1024;

/**
 * Whether the words repeat a part of the request, which no log may hold. Finds every echo of 23
 * characters and most of the shorter ones; the name of the model does not count.
 */
export function repeatsRequest(words: string, { body, model }: Asked): boolean {
  if (body === null) return false;
  // Looking through a long one would hold everybody up; what it could hold is not worth that.
  if (body.byteLength > SEARCHED_BYTES_MAX) return true;
  const own = model === '' ? words : words.replaceAll(model, STRUCK_OUT);
  const asked = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  for (let at = 0; at + ECHO_LENGTH <= own.length; at += ECHO_STEP) {
    if (asked.includes(own.slice(at, at + ECHO_LENGTH))) return true;
  }
  return false;
}
