import { basename, dirname, resolve } from 'node:path';
import { exportId } from './export-id.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, itemsOf, textAt } from './raw.ts';
import { Export } from './schema-books.ts';
import { parseWebUrl } from './sink-address.ts';

/** What the gateway itself keeps at the top of `data_dir`. */
const OWN_FILE = /^((llmgate|content)\.db|admin\.sock|lock$|install-id|.*\.pem$)/;

/** Rules of `audit.export` that the shape of one value cannot express. */
export function checkExports(file: unknown, folder: string): Finding[] {
  const findings: Finding[] = [];
  const firsts = new Map<string, number>();
  const dataDir = resolve(folder, textAt(file, 'data_dir') ?? 'llmgate-data');
  for (const [index, written] of itemsOf(at(at(file, 'audit'), 'export')).entries()) {
    const path = ['audit', 'export', index];
    const { success, data: sink } = Export.safeParse(written, { jitless: true });
    if (!success) continue; // The schema reports it.
    if (sink.type === 'file')
      findings.push(...checkPath(sink.path, [...path, 'path'], dataDir, folder));
    if (sink.type === 's3') findings.push(...checkBucket(sink, path));
    const id = exportId(sink, folder);
    const first = firsts.get(id);
    firsts.set(id, first ?? index);
    if (first === undefined) continue;
    findings.push({ path, message: `leads to the same place as audit.export[${first}]` });
  }
  return findings;
}

function checkPath(written: string, path: ValuePath, dataDir: string, folder: string): Finding[] {
  if (written.startsWith('~')) {
    return [{ path, message: '~ is not expanded here; write the whole path' }];
  }
  if (written.includes('\0')) return [{ path, message: 'a path cannot contain a NUL' }];
  if (written.endsWith('/')) return [{ path, message: 'a folder; write the path of a file' }];
  const target = resolve(folder, written);
  if (dirname(target) !== dataDir || !OWN_FILE.test(basename(target))) return [];
  return [{ path, message: 'this file of data_dir belongs to the gateway; choose another name' }];
}

function checkBucket(
  { bucket, endpoint, prefix }: { bucket: string; endpoint?: string | undefined; prefix: string },
  path: ValuePath,
): Finding[] {
  const findings: Finding[] = [];
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    const message = 'a bucket name has 3 to 63 lower-case letters, digits, "." and "-"';
    findings.push({ path: [...path, 'bucket'], message });
  }
  if (prefix.startsWith('/') || !/^[\x21-\x7e]{0,200}$/.test(prefix)) {
    const message = 'a prefix is at most 200 visible ASCII characters and does not begin with "/"';
    findings.push({ path: [...path, 'prefix'], message });
  }
  if (endpoint === undefined) return findings;
  const { pathname, search } = parseWebUrl(endpoint);
  if (pathname === '/' && search === '') return findings;
  const message = 'only scheme, host and port; the bucket has a key of its own';
  return [...findings, { path: [...path, 'endpoint'], message }];
}
