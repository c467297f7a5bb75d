import { hasKeyInUrl, readCredential } from '../access/credential.ts';
import { parseKeyText } from '../access/key-format.ts';
import { verifyKey } from '../access/verify-key.ts';
import { type ErrorCode, GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import type { Exchange } from './exchange.ts';

/** One text for every way of not having a valid key, so that it tells nothing to who tries keys. */
const INVALID_KEY =
  'Incorrect API key provided. Send a valid key as "Authorization: Bearer sk-lg-…".';

/** Who is asking? Before the body is read. Throws 401. */
export function authenticate(exchange: Exchange): Key {
  const { request, gate } = exchange;
  const credential = hasKeyInUrl(request.url) ? undefined : readCredential(request.headers);
  if (credential === undefined || 'problem' in credential) throw invalidKey(exchange, null);
  const parsed = parseKeyText(credential.text);
  if (parsed === undefined) throw invalidKey(exchange, null);

  const key = gate.keys.find(parsed.id);
  const verdict = verifyKey(key, parsed.secret, gate.clock.nowMs());
  if (verdict === 'expired')
    throw refused(exchange, 'key_expired', 'This API key has expired.', key);
  if (verdict === 'suspended') {
    throw refused(exchange, 'key_suspended', 'This API key is suspended.', key);
  }
  if (verdict !== 'ok' || key === undefined) throw invalidKey(exchange, key);
  exchange.caller = key;
  exchange.tags = key.tags;
  return key;
}

function invalidKey(exchange: Exchange, key: Key | null | undefined): GateError {
  return refused(exchange, 'invalid_api_key', INVALID_KEY, key);
}

/** Only the id of a key that exists is noted: what strangers make up is not for the audit trail. */
function refused(
  exchange: Exchange,
  code: ErrorCode,
  message: string,
  key: Key | null | undefined,
): GateError {
  exchange.gate.failedLogins.note(code, exchange.callerAddress(), key?.id ?? null);
  return new GateError(code, message);
}
