import { parseBackendUrl } from './backend-url.ts';
import { BadValue } from './bad-value.ts';
import { REFERENCE_HINT, type Secrets, secretKey } from './check-references.ts';
import type { Finding } from './finding.ts';
import { isLoopback, parseListenAddress } from './listen-address.ts';
import { at, entriesOf, isMap, itemsOf, textAt } from './raw.ts';
import { duplicates } from './repeated.ts';
import { hasReference } from './secrets.ts';

/** Rules of `backends` that the shape of one value cannot express. */
export function checkBackends(file: unknown): Finding[] {
  const backends = at(file, 'backends');
  if (isMap(backends) && Object.keys(backends).length === 0) {
    const message = 'no backend; without one there is nothing to forward to';
    return [{ path: ['backends'], message }];
  }
  return entriesOf(backends).flatMap(([id, backend]) =>
    isMap(backend)
      ? [
          ...checkId(id),
          ...checkUrl(id, backend, file),
          ...checkApiKey(id, backend),
          ...checkHeaders(id, backend),
          ...checkLabels(id, backend),
        ]
      : checkId(id),
  );
}

/** Ids stand in headers, metric labels and commands. */
function checkId(id: string): Finding[] {
  if (/^[A-Za-z0-9][\w.-]{0,63}$/.test(id)) return [];
  const message = 'a backend id has letters, digits, ".", "_" and "-", at most 64 of them';
  return [{ path: ['backends', id], at: 'key', message }];
}

function checkUrl(id: string, backend: unknown, file: unknown): Finding[] {
  const url = textAt(backend, 'url');
  const type = textAt(backend, 'type');
  if (at(backend, 'url') === undefined) {
    if (type === undefined || type === 'openai') return [];
    const hint = 'write it like http://127.0.0.1:8000';
    const message = 'required, but missing';
    return [{ path: ['backends', id, 'url'], message, hint, isMissing: true }];
  }
  if (url === undefined || !pointsAtUs(url, file)) return [];
  const message = 'this is the address that llmgate itself listens on, so requests would circle';
  return [{ path: ['backends', id, 'url'], message }];
}

function pointsAtUs(url: string, file: unknown): boolean {
  const listen = at(file, 'listen');
  const address = textAt(file, 'listen') ?? textAt(listen, 'address');
  if (address === undefined && listen !== undefined) return false;
  try {
    const { hostname, port } = new URL(parseBackendUrl(url));
    const ours = parseListenAddress(address ?? '127.0.0.1:8080');
    const theirPort =
      port === '' ? (url.toLowerCase().startsWith('https') ? 443 : 80) : Number(port);
    const theirs = hostname.replace(/^\[(.*)\]$/, '$1');
    const sameHost =
      theirs === ours.hostname ||
      (isLoopback(theirs) &&
        (isLoopback(ours.hostname) || /^(0\.0\.0\.0|::)$/.test(ours.hostname)));
    return sameHost && theirPort === ours.port;
  } catch (error) {
    if (error instanceof BadValue) return false; // The schema reports it.
    throw error;
  }
}

function checkApiKey(id: string, backend: unknown): Finding[] {
  if (at(backend, 'api_key') !== undefined || textAt(backend, 'type') !== 'openai') return [];
  const path = ['backends', id, 'api_key'];
  const hint = 'write api_key: ${env:OPENAI_API_KEY}';
  const message = 'required for type openai, but missing';
  return [{ path, message, hint, isMissing: true }];
}

/** Rules name them, and they stand in listings. */
function checkLabels(id: string, backend: unknown): Finding[] {
  const path = ['backends', id, 'labels'];
  const findings = duplicates(at(backend, 'labels'), path);
  for (const [index, label] of itemsOf(at(backend, 'labels')).entries()) {
    if (typeof label !== 'string' || label === '' || /^[A-Za-z0-9][\w.-]{0,63}$/.test(label))
      continue;
    const message = 'a label has letters, digits, ".", "_" and "-", at most 64 of them';
    findings.push({ path: [...path, index], message });
  }
  return findings;
}

/** Keys of one backend take turns: one that is there twice would be refused twice. */
export function checkApiKeys(file: unknown, secrets: Secrets): Finding[] {
  return entriesOf(at(file, 'backends')).flatMap(([id, backend]) => {
    const written = at(backend, 'api_key');
    const path = ['backends', id, 'api_key'];
    if (Array.isArray(written) && written.length === 0) {
      return [{ path, message: 'an empty list; write a reference or leave the key out' }];
    }
    const seen = new Set<string>();
    return itemsOf(written).flatMap((_, index): Finding[] => {
      const secret = secrets.get(secretKey([...path, index]));
      if (secret === undefined) return []; // Reported already.
      const isRepeated = seen.has(secret);
      seen.add(secret);
      return isRepeated
        ? [{ path: [...path, index], message: 'the same key as one before it' }]
        : [];
    });
  });
}

/** Set by llmgate for each request or each connection. */
const OUR_HEADERS = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const SECRET_HEADER = /^(proxy-)?authorization$|^cookie$|(^|-)(key|token|secret)$/;

function checkHeaders(id: string, backend: unknown): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const [name, value] of entriesOf(at(backend, 'headers'))) {
    const path = ['backends', id, 'headers', name];
    const lower = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/.test(lower)) {
      findings.push({ path, at: 'key', message: 'not a header name' });
    } else if (OUR_HEADERS.has(lower)) {
      findings.push({ path, at: 'key', message: 'this header is set by llmgate itself' });
    } else if (seen.has(lower)) {
      findings.push({ path, at: 'key', message: 'this header is written twice' });
    } else if (lower === 'authorization' && at(backend, 'api_key') !== undefined) {
      findings.push({ path, at: 'key', message: 'api_key already sets this header; use only one' });
    }
    seen.add(lower);
    if (typeof value === 'string' && SECRET_HEADER.test(lower) && !hasReference(value)) {
      findings.push({ path, message: 'no secrets in this file', hint: REFERENCE_HINT });
    }
  }
  return findings;
}
