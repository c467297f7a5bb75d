import type { EngineSettings } from './engine-settings.ts';

/** Of llmgate's own environment; all else, keys above all, is none of an engine's business. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'LD_LIBRARY_PATH'] as const;

/** Used where llmgate was started without one. */
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What every program that llmgate starts may see of its own environment. */
export function inheritedEnvironment(
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const environment: Record<string, string> = { PATH: USUAL_PATH };
  for (const name of INHERITED) {
    const value = own[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** The whole environment of an engine. What is configured wins over what is inherited. */
export function engineEnvironment(
  { env, gpus }: Pick<EngineSettings, 'env' | 'gpus'>,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const environment = inheritedEnvironment(own);
  if (gpus.length > 0) {
    environment['CUDA_VISIBLE_DEVICES'] = gpus.join(',');
    // The order that nvidia-smi counts in. CUDA's own puts the fastest first.
    environment['CUDA_DEVICE_ORDER'] = 'PCI_BUS_ID';
  }
  return { ...environment, ...env };
}
