import { relative } from 'node:path';
import type { FoundEngine } from '../backends/local-engines.ts';
import type { Config } from '../config/config.ts';
import { type Finding, isFailed, isOk, isWarned } from './doctor-finding.ts';
import { CliError } from './exit-code.ts';
import type { CliIo } from './io.ts';

export interface ExaminedConfig {
  /** null when there is none or it cannot be used. */
  readonly config: Config | null;
  readonly findings: readonly Finding[];
}

/** The configuration that `serve` would use, with the flags that were given. */
export async function examineConfig(
  flag: string | undefined,
  io: CliIo,
  findEngines: () => Promise<FoundEngine[]>,
): Promise<ExaminedConfig> {
  const { findConfigFile } = await import('../config/find-config-file.ts');
  const path = findConfigFile({ flag, env: io.env, cwd: io.cwd });
  if (path === null) return examineNoFile(io, findEngines);
  const { loadConfig } = await import('../config/load.ts');
  const { ConfigError } = await import('../config/problem.ts');
  const near = relative(io.cwd, path);
  const name = near === '' || near.startsWith('..') ? path : near;
  const mend = `llmgate validate ${name}`;
  try {
    const { config, warnings } = loadConfig({ path, env: io.env, name });
    const { backends, models } = config;
    return {
      config,
      findings: [
        isOk(
          `${name} is valid: ${count(backends.length, 'backend')}, ${count(models.length, 'model')}`,
        ),
        ...warnings.map((each) =>
          isWarned(`line ${each.line}: ${each.path}: ${each.message}`, mend),
        ),
      ],
    };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const findings = cause.problems.map((each) => {
      const place = each.line === 0 ? name : `${name}:${each.line}`;
      return isFailed(`${place}: ${each.path === '' ? '' : `${each.path}: `}${each.message}`, mend);
    });
    return { config: null, findings };
  }
}

/** What `serve` does then: it serves the engines of this machine. */
async function examineNoFile(
  io: CliIo,
  findEngines: () => Promise<FoundEngine[]>,
): Promise<ExaminedConfig> {
  const { discoverConfig } = await import('./discover-config.ts');
  try {
    const config = await discoverConfig(io, findEngines);
    const engines = count(config.backends.length, 'engine');
    const says = `there is no file: "serve" would use the ${engines} of this machine`;
    return { config, findings: [isWarned(says, 'llmgate init writes one.')] };
  } catch (cause) {
    if (!(cause instanceof CliError)) throw cause;
    const mend = 'Start an engine, then: llmgate init';
    return { config: null, findings: [isFailed(cause.message, mend)] };
  }
}

function count(amount: number, thing: string): string {
  return `${amount} ${thing}${amount === 1 ? '' : 's'}`;
}
