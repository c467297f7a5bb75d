import {
  openScaleHooks,
  type ScaleHooks,
  type ScaleSubject,
} from '../backends/process/scale-hooks.ts';
import type { ScaleFigures } from '../backends/process/scale-watch.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { systemTimers } from '../core/timers.ts';
import type { Gate } from '../gateway/gate.ts';
import type { Log } from '../observe/log.ts';
import { utilisationOf } from '../routing/utilisation.ts';
import { createWebhook } from '../sinks/webhook.ts';
import type { Pool } from './pool.ts';

interface ScaleParts {
  readonly config: Config;
  readonly gate: Pick<Gate, 'models'>;
  readonly pool: Pick<Pool, 'scheduler'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Asks for more machines and for fewer, as `scale` of the configuration says. */
export function openConfiguredScaleHooks(parts: ScaleParts): ScaleHooks {
  const { config, clock, log, env } = parts;
  const timers = systemTimers;
  return openScaleHooks({
    hooks: config.scaleHooks,
    sample: (subject) => sample(parts, subject),
    post: (to, message, signal) => createWebhook(to, { clock, timers }).post(message, signal),
    ...{ clock, timers, log, env },
  });
}

function sample(
  { gate, pool, clock }: ScaleParts,
  { kind, name }: ScaleSubject,
): ScaleFigures | null {
  const nowMs = clock.monotonicMs();
  const standings = new Map(pool.scheduler.views(nowMs).map((each) => [each.backend, each]));
  const lines = new Map(pool.scheduler.lines(nowMs).map((line) => [line.model, line.waiting]));
  const models = gate.models.models.filter((model) =>
    kind === 'model' ? model.name === name : model.targets.some(({ backend }) => backend === name),
  );
  if (models.length === 0) return null;
  const backends =
    kind === 'model' ? models.flatMap(({ targets }) => targets) : [{ backend: name }];
  const ids = new Set(backends.map(({ backend }) => backend));
  return {
    waiting: models.reduce((sum, model) => sum + (lines.get(model.name) ?? 0), 0),
    utilisation: utilisationOf([...ids].map((id) => standings.get(id))),
  };
}
