import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { BadValue } from './bad-value.ts';
import { checkAdmin } from './check-admin.ts';
import { checkAdvice } from './check-advice.ts';
import { checkAudit } from './check-audit.ts';
import { checkApiKeys, checkBackends } from './check-backends.ts';
import { checkBudgets } from './check-budgets.ts';
import { checkExports } from './check-exports.ts';
import { checkFallbacks } from './check-fallbacks.ts';
import { checkFiles } from './check-files.ts';
import { checkLimits } from './check-limits.ts';
import { checkModels } from './check-models.ts';
import { checkPool } from './check-pool.ts';
import { checkPrices } from './check-prices.ts';
import { checkProcesses } from './check-processes.ts';
import { checkReferences } from './check-references.ts';
import { checkRouting } from './check-routing.ts';
import { checkScale } from './check-scale.ts';
import { checkTimezone } from './check-timezone.ts';
import type { Config } from './config.ts';
import { parseConfigSource } from './config-source.ts';
import { withoutEchoes } from './finding.ts';
import { ConfigError, type Problem, renderProblems } from './problem.ts';
import { readRegularFile } from './regular-file.ts';
import { resolveConfig } from './resolve-config.ts';
import { checkShape } from './schema-findings.ts';
import type { Env } from './secrets.ts';

const LARGEST_FILE = 1_000_000;

export interface LoadedConfig {
  readonly config: Config;
  /** SHA-256 of the text, hexadecimal: which version of the file this was. */
  readonly sha256: string;
  readonly warnings: readonly Problem[];
  /** The warnings for people, each with its source line; empty when there are none. */
  readonly warningText: string;
}

/**
 * Reads and checks a configuration file. `name` is what messages call it, by default `path`.
 * Throws ConfigError with every problem at once.
 */
export function loadConfig({ path, env, name = path }: LoadOptions): LoadedConfig {
  let text: string;
  try {
    const { bytes } = readRegularFile(path, LARGEST_FILE);
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const message = error instanceof BadValue ? error.message : 'is not UTF-8 text';
    throw new ConfigError(name, '', [{ line: 0, column: 0, path: '', message }]);
  }
  return parseConfig(text, { name, env, folder: dirname(resolve(path)) });
}

export interface LoadOptions {
  readonly path: string;
  readonly env: Env;
  readonly name?: string;
}

export interface ParseOptions {
  readonly name: string;
  readonly env: Env;
  /** Where relative paths in the text start from. */
  readonly folder: string;
}

/** The same for text that is not in a file. Throws ConfigError with every problem at once. */
export function parseConfig(text: string, { name, env, folder }: ParseOptions): LoadedConfig {
  const source = parseConfigSource(text);
  const refuse = (problems: readonly Problem[]) =>
    new ConfigError(name, source.maskedText(), problems.toSorted(byPlace));
  if (source.syntaxProblems.length > 0) throw refuse(source.syntaxProblems);

  const shape = checkShape(source.value);
  const references = checkReferences(source.value, { env, folder });
  const findings = [
    // First: a reference where none works is also no URL, no number and no known name.
    ...references.findings,
    ...shape.findings,
    ...checkBackends(source.value),
    ...checkApiKeys(source.value, references.secrets),
    ...checkProcesses(source.value),
    ...checkModels(source.value),
    ...checkRouting(source.value),
    ...checkFallbacks(source.value),
    ...checkPrices(source.value),
    ...checkPool(source.value),
    ...checkAdmin(source.value, references.secrets),
    ...checkLimits(source.value),
    ...checkBudgets(source.value),
    ...checkTimezone(source.value),
    ...checkAudit(source.value, references.secrets),
    ...checkScale(source.value, references.secrets),
    ...checkExports(source.value, folder),
    ...checkFiles(source.value, folder),
  ];
  if (findings.length > 0 || shape.file === null) {
    throw refuse(withoutEchoes(findings).map(source.locate));
  }

  const config = resolveConfig(shape.file, references.secrets, folder);
  const warnings = checkAdvice(config).map(source.locate).toSorted(byPlace);
  const sha256 = createHash('sha256').update(text).digest('hex');
  if (warnings.length === 0) return { config, sha256, warnings, warningText: '' };
  const warningText = renderProblems(name, source.maskedText(), warnings, 'warning');
  return { config, sha256, warnings, warningText };
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}
