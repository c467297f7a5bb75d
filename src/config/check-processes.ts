import { parseBackendUrl } from './backend-url.ts';
import { BadValue } from './bad-value.ts';
import { checkCommand } from './check-command.ts';
import { REFERENCE_HINT } from './check-references.ts';
import type { Finding, ValuePath } from './finding.ts';
import { isLoopback } from './listen-address.ts';
import { at, entriesOf, isMap, itemsOf, textAt } from './raw.ts';
import { duplicates } from './repeated.ts';
import { hasReference } from './secrets.ts';

interface Process {
  readonly id: string;
  readonly path: ValuePath;
  readonly written: unknown;
  /** Scheme, host and port; undefined when the URL is no good, which the schema reports. */
  readonly origin: URL | undefined;
}

/** Rules of `backends.X.process` that the shape of one value cannot express. */
export function checkProcesses(file: unknown): Finding[] {
  const processes = entriesOf(at(file, 'backends')).flatMap(([id, backend]): Process[] => {
    const written = at(backend, 'process');
    if (!isMap(written)) return [];
    const path = ['backends', id, 'process'];
    return [{ id, path, written, origin: originOf(textAt(backend, 'url')) }];
  });
  return [
    ...processes.flatMap((process) => [
      ...checkCommand(at(process.written, 'command'), [...process.path, 'command']),
      ...checkEnv(at(process.written, 'env'), [...process.path, 'env']),
      ...checkPlace(process),
      ...duplicates(at(process.written, 'gpus'), [...process.path, 'gpus']),
    ]),
    ...checkAddresses(processes),
    ...checkPreloads(processes),
  ];
}

function originOf(url: string | undefined): URL | undefined {
  try {
    return url === undefined ? undefined : new URL(parseBackendUrl(url));
  } catch (error) {
    if (error instanceof BadValue) return undefined;
    throw error;
  }
}

const SECRET_VARIABLE = /(^|_)(key|token|secret|password|credentials?)$/i;

function checkEnv(env: unknown, path: ValuePath): Finding[] {
  return entriesOf(env).flatMap(([name, value]): Finding[] => {
    if (!/^[A-Za-z_]\w{0,99}$/.test(name)) {
      return [{ path: [...path, name], at: 'key', message: 'not a name of a variable' }];
    }
    if (typeof value !== 'string') return [];
    if (value.includes('\0')) {
      return [{ path: [...path, name], message: 'a variable cannot contain a NUL' }];
    }
    if (value === '' || !SECRET_VARIABLE.test(name) || hasReference(value)) return [];
    return [{ path: [...path, name], message: 'no secrets in this file', hint: REFERENCE_HINT }];
  });
}

function checkPlace({ id, path, origin }: Process): Finding[] {
  if (origin === undefined || origin.protocol === 'unix:') return [];
  if (isLoopback(origin.hostname.replace(/^\[(.*)\]$/, '$1'))) return [];
  const message = `processes are started on this machine only, and backends.${id}.url is another one`;
  return [{ path, at: 'key', message, hint: 'use a url such as http://127.0.0.1:9001' }];
}

/** Two servers cannot listen at one address, and one server needs one process. */
function checkAddresses(processes: readonly Process[]): Finding[] {
  const owners = new Map<string, string>();
  return processes.flatMap(({ id, origin }): Finding[] => {
    if (origin === undefined) return [];
    const port = origin.port || (origin.protocol === 'https:' ? '443' : '80');
    const owner = owners.get(port);
    owners.set(port, owner ?? id);
    if (owner === undefined) return [];
    const message = `port ${port} belongs to the process of backends.${owner}`;
    return [{ path: ['backends', id, 'url'], message }];
  });
}

/** Those that always run must be able to run together. */
function checkPreloads(processes: readonly Process[]): Finding[] {
  const findings: Finding[] = [];
  const groups = new Map<string, string>();
  const gpus = new Map<unknown, { id: string; isWhole: boolean }>();
  for (const { id, path, written } of processes) {
    if (at(written, 'preload') !== true) continue;
    const preload = [...path, 'preload'];
    const group = textAt(written, 'group');
    const member = group === undefined ? undefined : groups.get(group);
    if (group !== undefined) groups.set(group, member ?? id);
    if (member !== undefined) {
      const message = `of group ${JSON.stringify(group)} only one runs at a time, and backends.${member} is preloaded`;
      findings.push({ path: preload, message });
      continue;
    }
    const isWhole = at(written, 'memory') === undefined;
    for (const gpu of itemsOf(at(written, 'gpus'))) {
      const other = gpus.get(gpu);
      gpus.set(gpu, other ?? { id, isWhole });
      if (other === undefined || !(isWhole || other.isWhole)) continue;
      const whole = isWhole ? 'it takes' : `backends.${other.id} takes`;
      const message = `cannot run beside backends.${other.id}, which is preloaded too: without memory ${whole} all of GPU ${String(gpu)}`;
      findings.push({ path: preload, message });
      break;
    }
  }
  return findings;
}
