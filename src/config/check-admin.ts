import { checkAdminSecret } from './admin-secret.ts';
import { BadValue } from './bad-value.ts';
import { REFERENCE_HINT, type Secrets, secretKey } from './check-references.ts';
import type { Finding } from './finding.ts';
import { isLoopback, parseListenAddress } from './listen-address.ts';
import { at, entriesOf, isMap, textAt } from './raw.ts';
import { duplicates } from './repeated.ts';
import { hasReference } from './secrets.ts';

/** Rules of `admin`, `metrics` and `traces` that the shape of one value cannot express. */
export function checkAdmin(file: unknown, secrets: Secrets): Finding[] {
  const admin = at(file, 'admin');
  return [
    ...checkListen(file, admin),
    ...checkKeys(at(admin, 'keys'), secrets),
    ...duplicates(at(at(file, 'metrics'), 'labels'), ['metrics', 'labels']),
    ...checkHeaders(at(at(file, 'traces'), 'headers')),
  ];
}

/** What everybody can reach must ask who they are, and nobody on the way may read the answer. */
function checkListen(file: unknown, admin: unknown): Finding[] {
  const listen = at(admin, 'listen');
  const text = textAt(admin, 'listen') ?? textAt(listen, 'address');
  const path = typeof listen === 'string' ? ['admin', 'listen'] : ['admin', 'listen', 'address'];
  const address = addressOf(text);
  if (address === undefined) return []; // Not written, or the schema reports it.
  const findings: Finding[] = [];
  const keys = at(admin, 'keys');
  if (keys === undefined || (isMap(keys) && Object.keys(keys).length === 0)) {
    const message = 'required with admin.listen, but missing: anybody could use the address';
    const hint = 'write keys: { NAME: { key: "${env:ADMIN_KEY}", role: admin } }';
    findings.push({ path: ['admin', 'keys'], message, hint, isMissing: true });
  }
  if (!isLoopback(address.hostname) && at(listen, 'tls') === undefined) {
    const message = 'other machines can reach this address, so it needs tls';
    const hint = 'write listen: { address, tls: { cert_file, key_file } }';
    findings.push({ path, message, hint });
  }
  const ours = addressOf(
    textAt(file, 'listen') ?? textAt(at(file, 'listen'), 'address') ?? '127.0.0.1:8080',
  );
  const isSame = ours?.port === address.port && ours.hostname === address.hostname;
  if (isSame && address.port !== 0) {
    findings.push({ path, message: 'the same address as listen; use another port' });
  }
  return findings;
}

function addressOf(text: string | undefined): ReturnType<typeof parseListenAddress> | undefined {
  try {
    return text === undefined ? undefined : parseListenAddress(text);
  } catch (error) {
    if (error instanceof BadValue) return undefined;
    throw error;
  }
}

function checkKeys(keys: unknown, secrets: Secrets): Finding[] {
  const findings: Finding[] = [];
  const owners = new Map<string, string>();
  for (const [name] of entriesOf(keys)) {
    if (!/^[A-Za-z0-9][\w.@-]{0,63}$/.test(name)) {
      const message = 'a name has letters, digits, ".", "_", "@" and "-", at most 64 of them';
      findings.push({ path: ['admin', 'keys', name], at: 'key', message });
    }
    const path = ['admin', 'keys', name, 'key'];
    const secret = secrets.get(secretKey(path));
    if (secret === undefined) continue; // Not written, or reported already.
    const owner = owners.get(secret);
    owners.set(secret, owner ?? name);
    if (owner !== undefined) {
      findings.push({ path, message: `the same key as the one of ${JSON.stringify(owner)}` });
    }
    try {
      checkAdminSecret(secret);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      findings.push({ path, message: error.message });
    }
  }
  return findings;
}

const SECRET_HEADER = /^(proxy-)?authorization$|^cookie$|(^|-)(key|token|secret)$/;

function checkHeaders(headers: unknown): Finding[] {
  return entriesOf(headers).flatMap(([name, value]): Finding[] => {
    const path = ['traces', 'headers', name];
    const lower = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/.test(lower)) {
      return [{ path, at: 'key', message: 'not a header name' }];
    }
    if (typeof value !== 'string' || !SECRET_HEADER.test(lower) || hasReference(value)) return [];
    return [{ path, message: 'no secrets in this file', hint: REFERENCE_HINT }];
  });
}
