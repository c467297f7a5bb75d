import type { FileBudgets } from '../admin/budget-desk.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';

/**
 * What the configuration says of budgets, for a command that finds no gateway running; null when
 * it cannot be read, or when it is not known to be the one of this data directory.
 */
export async function findFileBudgets(
  flags: AccessFlags,
  io: CliIo,
  dataDir: string,
): Promise<FileBudgets | null> {
  const { findConfigFile } = await import('../config/find-config-file.ts');
  const file = findConfigFile({ flag: flags.config, env: io.env, cwd: io.cwd });
  // Without a file a gateway has no budgets and counts in UTC, in the directory that is its default.
  if (file === null) return flags.dataDir === undefined ? { rules: [], timezone: 'UTC' } : null;
  const { loadConfig } = await import('../config/load.ts');
  const { ConfigError } = await import('../config/problem.ts');
  try {
    const { config } = loadConfig({ path: file, env: io.env });
    const isOurs = flags.dataDir === undefined || flags.config !== undefined;
    if (!isOurs && config.dataDir !== dataDir) return null;
    return { rules: config.budgets, timezone: config.timezone };
  } catch (cause) {
    if (cause instanceof ConfigError) return null;
    throw cause;
  }
}
