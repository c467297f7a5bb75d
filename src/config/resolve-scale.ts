import { getSecret, type Secrets } from './check-references.ts';
import type { ScaleActionConfig, ScaleHookConfig, ScaleStepConfig } from './config.ts';
import type { ValuePath } from './finding.ts';
import { resolveCommand } from './process-command.ts';
import type { ConfigFile } from './schema.ts';
import { parseWebUrl } from './sink-address.ts';
import { parseDuration, parseShare } from './units.ts';

type HookFile = ConfigFile['scale'][string];
type StepFile = NonNullable<HookFile['up']>;

interface Places {
  readonly secrets: Secrets;
  /** Where relative paths start from. */
  readonly folder: string;
}

export function resolveScale(file: ConfigFile['scale'], places: Places): ScaleHookConfig[] {
  return Object.entries(file).map(([name, hook]) => {
    const path = ['scale', name];
    return {
      name,
      subject: subjectOf(hook),
      up: hook.up === undefined ? null : resolveStep(hook.up, [...path, 'up'], places),
      down: hook.down === undefined ? null : resolveStep(hook.down, [...path, 'down'], places),
      cooldownMs: parseDuration(hook.cooldown),
    };
  });
}

function subjectOf({ model, backend }: HookFile): ScaleHookConfig['subject'] {
  return backend === undefined
    ? { kind: 'model', name: model ?? '' }
    : { kind: 'backend', name: backend };
}

function resolveStep(file: StepFile, path: ValuePath, places: Places): ScaleStepConfig {
  return {
    waiting: file.waiting ?? null,
    utilisation: file.utilisation === undefined ? null : parseShare(file.utilisation),
    forMs: parseDuration(file.for),
    action: resolveAction(file, path, places),
  };
}

function resolveAction(
  file: StepFile,
  path: ValuePath,
  { secrets, folder }: Places,
): ScaleActionConfig {
  if (file.webhook !== undefined) {
    return {
      kind: 'webhook',
      url: parseWebUrl(file.webhook.url).href,
      secret: getSecret(secrets, [...path, 'webhook', 'secret']),
    };
  }
  const command = resolveCommand(file.command ?? [], folder);
  return { kind: 'command', command, timeoutMs: parseDuration(file.timeout) };
}
