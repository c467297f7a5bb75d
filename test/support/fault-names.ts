import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names of hosts that a process of its own sees, and that change while it runs. */
export interface ChangingNames {
  wrap(command: readonly string[]): string[];
  set(addresses: Readonly<Record<string, string>>): void;
}

/** A file of hosts, mounted for one process alone; undefined where nobody may mount. */
export function findChangingNames(): ChangingNames | undefined {
  const flags = ['-Urm', '-m'].find((each) => works(['unshare', each, 'true']));
  if (flags === undefined) return undefined;
  const file = join(tmpdir(), `llmgate-hosts-${process.pid}`);
  writeFileSync(file, '');
  const mount = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
  if (!works(['unshare', flags, 'sh', '-c', mount, 'sh', file, 'true'])) return undefined;
  return {
    wrap: (command) => ['unshare', flags, 'sh', '-c', mount, 'sh', file, ...command],
    set(addresses) {
      const lines = Object.entries(addresses).map(([name, address]) => `${address} ${name}\n`);
      // Written in place: what is mounted is this file, not its name.
      writeFileSync(file, `127.0.0.1 localhost\n${lines.join('')}`);
    },
  };
}

function works(command: string[]): boolean {
  try {
    return Bun.spawnSync(command, { stdout: 'ignore', stderr: 'ignore' }).success;
  } catch {
    return false;
  }
}
