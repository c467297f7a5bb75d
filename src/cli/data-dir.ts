import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { CliIo } from './io.ts';

export interface AccessFlags {
  readonly config?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Of a gateway elsewhere. */
  readonly url?: string | undefined;
}

export interface DataDir {
  readonly path: string;
  readonly durability: 'process' | 'full';
  /** What opens captured content; empty where the configuration names none or cannot be read. */
  readonly contentKeys: readonly Uint8Array[];
  /** PEM of the configuration, null when it says none; undefined when it cannot be told. */
  readonly signingKey: string | null | undefined;
}

/**
 * The data directory that a command means: `--data-dir`, else what the configuration file says,
 * else `./llmgate-data`. Throws ConfigError when the file does not even say that much.
 */
export async function findDataDir(flags: AccessFlags, io: CliIo): Promise<DataDir> {
  if (flags.dataDir !== undefined) {
    const path = resolve(io.cwd, flags.dataDir);
    return { path, durability: 'process', contentKeys: [], signingKey: null };
  }
  const { findConfigFile } = await import('../config/find-config-file.ts');
  const file = findConfigFile({ flag: flags.config, env: io.env, cwd: io.cwd });
  if (file === null) {
    const path = resolve(io.cwd, 'llmgate-data');
    return { path, durability: 'process', contentKeys: [], signingKey: null };
  }
  const { loadConfig } = await import('../config/load.ts');
  try {
    const { config } = loadConfig({ path: file, env: io.env });
    const { dataDir: path, durability, audit } = config;
    const { contentKeys, signingKey } = audit;
    return { path, durability, contentKeys, signingKey };
  } catch (cause) {
    // A shell without the gateway's secrets must still be able to list its keys.
    const path = await readDataDirAlone(file);
    if (path === null) throw cause;
    return { path, durability: 'full', contentKeys: [], signingKey: undefined };
  }
}

/** `data_dir` of a file that is YAML but no usable configuration; null when it cannot be told. */
async function readDataDirAlone(file: string): Promise<string | null> {
  const { parseConfigSource } = await import('../config/config-source.ts');
  let value: unknown;
  try {
    value = parseConfigSource(readFileSync(file, 'utf8')).value;
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const dataDir = 'data_dir' in value ? value.data_dir : './llmgate-data';
  if (typeof dataDir !== 'string' || dataDir.includes('${')) return null;
  return resolve(dirname(file), dataDir);
}
