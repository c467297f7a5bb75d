import { readFileSync } from 'node:fs';

/** One machine kind that a release serves. */
export interface Target {
  /** As in the asset name `llmgate-<version>-<name>`, which `install.sh` composes from uname. */
  readonly name: string;
  /** As Bun's compiler spells it. */
  readonly bunTarget: Bun.Build.CompileTarget;
  /** npm package that holds Bun's executable for this machine. */
  readonly bunPackage: string;
  /** Entry of better-sqlite3 that holds this machine's prebuilt addon, and nothing else. */
  readonly sqliteEntry: string;
}

export const TARGETS: readonly Target[] = [
  {
    name: 'linux-x64',
    bunTarget: 'bun-linux-x64',
    bunPackage: '@oven/bun-linux-x64',
    sqliteEntry: 'better-sqlite3/linux-x64',
  },
  {
    name: 'linux-x64-baseline',
    bunTarget: 'bun-linux-x64-baseline',
    bunPackage: '@oven/bun-linux-x64-baseline',
    sqliteEntry: 'better-sqlite3/linux-x64',
  },
  {
    name: 'linux-arm64',
    bunTarget: 'bun-linux-arm64',
    bunPackage: '@oven/bun-linux-aarch64',
    sqliteEntry: 'better-sqlite3/linux-arm64',
  },
  {
    name: 'linux-x64-musl',
    bunTarget: 'bun-linux-x64-musl',
    bunPackage: '@oven/bun-linux-x64-musl',
    sqliteEntry: 'better-sqlite3/linuxmusl-x64',
  },
  {
    name: 'linux-arm64-musl',
    bunTarget: 'bun-linux-arm64-musl',
    bunPackage: '@oven/bun-linux-aarch64-musl',
    sqliteEntry: 'better-sqlite3/linuxmusl-arm64',
  },
  {
    name: 'darwin-x64',
    bunTarget: 'bun-darwin-x64',
    bunPackage: '@oven/bun-darwin-x64',
    sqliteEntry: 'better-sqlite3/darwin-x64',
  },
  {
    name: 'darwin-arm64',
    bunTarget: 'bun-darwin-arm64',
    bunPackage: '@oven/bun-darwin-aarch64',
    sqliteEntry: 'better-sqlite3/darwin-arm64',
  },
];

/** Throws an Error that lists the known names. */
export function getTarget(name: string): Target {
  const target = TARGETS.find((candidate) => candidate.name === name);
  if (target !== undefined) return target;
  throw new Error(`unknown target ${name}; one of ${TARGETS.map((each) => each.name).join(', ')}`);
}

/** The target that runs on this machine. */
export function getNativeTarget(): Target {
  const musl = process.platform === 'linux' && isMusl() ? '-musl' : '';
  return getTarget(`${process.platform}-${process.arch}${musl}`);
}

// The C library's loader is mapped into this very process.
function isMusl(): boolean {
  return readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-');
}
