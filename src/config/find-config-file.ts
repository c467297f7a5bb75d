import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Env } from './secrets.ts';

export interface ConfigFilePlaces {
  /** What `-c/--config` said. */
  readonly flag: string | undefined;
  readonly env: Env;
  readonly cwd: string;
}

/**
 * The configuration file to use, or null when none was named and none is in the usual places. A
 * file that was named is returned even when it does not exist: loading it says so, and another
 * file must not take its place.
 */
export function findConfigFile({ flag, env, cwd }: ConfigFilePlaces): string | null {
  if (flag !== undefined) return resolve(cwd, flag);
  const named = env['LLMGATE_CONFIG'];
  if (named !== undefined && named !== '') return resolve(cwd, named);
  return usualPlaces(env, cwd).find((path) => existsSync(path)) ?? null;
}

/** Where a configuration is looked for when none was named, first match first. */
export function usualPlaces(env: Env, cwd: string): string[] {
  const home = env['HOME'];
  const xdg = env['XDG_CONFIG_HOME'] || (home ? join(home, '.config') : undefined);
  return [
    join(cwd, 'llmgate.yaml'),
    ...(xdg === undefined ? [] : [join(xdg, 'llmgate', 'config.yaml')]),
    '/etc/llmgate/config.yaml',
  ];
}
