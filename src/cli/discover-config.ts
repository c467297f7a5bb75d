import type { FoundEngine } from '../backends/local-engines.ts';
import type { Config } from '../config/config.ts';
import { CliError, EXIT } from './exit-code.ts';
import { findEnginesHere } from './find-engines-here.ts';
import type { CliIo } from './io.ts';

/**
 * The configuration of a gateway that was given none: what `init` would write, without writing it.
 * Throws CliError when no engine runs on this machine.
 */
export async function discoverConfig(
  io: CliIo,
  findEngines: () => Promise<FoundEngine[]> = findEnginesHere,
): Promise<Config> {
  const found = await findEngines();
  if (found.length === 0) {
    throw new CliError(
      'there is no configuration file, and no engine answers on this machine',
      EXIT.config,
      'Start an engine such as vLLM or Ollama, or write a file: llmgate init',
    );
  }
  const { renderStartingConfig } = await import('../config/starting-config.ts');
  const { parseConfig } = await import('../config/load.ts');
  const text = renderStartingConfig(found);
  return parseConfig(text, { name: 'found engines', env: io.env, folder: io.cwd }).config;
}
