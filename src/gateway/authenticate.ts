import { hasKeyInUrl, readCredential } from '../access/credential.ts';
import { parseKeyText } from '../access/key-format.ts';
import { verifyKey } from '../access/verify-key.ts';
import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import type { Exchange } from './exchange.ts';

/** One text for every way of not having a valid key, so that it tells nothing to who tries keys. */
const INVALID_KEY =
  'Incorrect API key provided. Send a valid key as "Authorization: Bearer sk-lg-…".';

/** Who is asking? Before the body is read. Throws 401. */
export function authenticate(exchange: Exchange): Key {
  const { request, gate } = exchange;
  if (hasKeyInUrl(request.url)) throw new GateError('invalid_api_key', INVALID_KEY);
  const credential = readCredential(request.headers);
  if ('problem' in credential) throw new GateError('invalid_api_key', INVALID_KEY);
  const parsed = parseKeyText(credential.text);
  if (parsed === undefined) throw new GateError('invalid_api_key', INVALID_KEY);

  const key = gate.keys.find(parsed.id);
  const verdict = verifyKey(key, parsed.secret, gate.clock.nowMs());
  if (verdict === 'expired') throw new GateError('key_expired', 'This API key has expired.');
  if (verdict === 'suspended') throw new GateError('key_suspended', 'This API key is suspended.');
  if (verdict !== 'ok' || key === undefined) throw new GateError('invalid_api_key', INVALID_KEY);
  exchange.caller = key;
  return key;
}
