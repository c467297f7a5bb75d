import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import { TARGETS } from './targets.ts';

/** The entries of better-sqlite3 whose addon lies, byte for byte, inside an executable. */
export function findAddons(executable: string): string[] {
  const bytes = readFileSync(executable);
  const entries = new Set(TARGETS.map((target) => target.sqliteEntry));
  return [...entries].filter((entry) => bytes.includes(readFileSync(addonOf(entry))));
}

function addonOf(entry: string): string {
  const machine = entry.slice('better-sqlite3/'.length);
  return join(ROOT, 'node_modules/better-sqlite3/prebuilds', `${machine}.node`);
}
