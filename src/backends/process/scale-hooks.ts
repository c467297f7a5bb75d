import type { Clock } from '../../core/clock.ts';
import type { Timers } from '../../core/timers.ts';
import type { Log } from '../../observe/log.ts';
import { inheritedEnvironment } from './engine-environment.ts';
import { runCommand } from './run-command.ts';
import { type ScaleBound, type ScaleFigures, type ScaleSignal, ScaleWatch } from './scale-watch.ts';

/** Who is told that more or fewer machines are wanted. */
export interface ScaleHook {
  /** Names it in logs and messages. */
  readonly name: string;
  readonly subject: ScaleSubject;
  readonly up: ScaleStep | null;
  readonly down: ScaleStep | null;
  readonly cooldownMs: number;
}

export interface ScaleSubject {
  readonly kind: 'model' | 'backend';
  readonly name: string;
}

export interface ScaleStep extends ScaleBound {
  readonly action: ScaleAction;
}

/** A command is a program and its arguments, without a shell. */
export type ScaleAction =
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutMs: number }
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: string };

export interface ScaleHooksOptions {
  readonly hooks: readonly ScaleHook[];
  /** null: nothing is known of it, which says neither up nor down. */
  readonly sample: (subject: ScaleSubject) => ScaleFigures | null;
  /** Signs and sends one message; rejects when it was not taken. */
  readonly post: (
    to: { readonly url: string; readonly secret: string },
    message: { readonly id: string; readonly body: string },
    signal: AbortSignal,
  ) => Promise<void>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ScaleHooks {
  /** What a reload says. Bounds begin to be watched anew. */
  replaceHooks(hooks: readonly ScaleHook[]): void;
  stats(): readonly ScaleHookStats[];
  /** Ends what runs. */
  stop(): Promise<void>;
}

export interface ScaleHookStats {
  readonly name: string;
  readonly up: number;
  readonly down: number;
  readonly failures: number;
}

const LOOK_EVERY_MS = 1_000;

/** Looks once a second. A hook has one action at a time; `stop()` it. */
export function openScaleHooks(options: ScaleHooksOptions): ScaleHooks {
  let watched = options.hooks.map((hook) => new WatchedHook(hook, options));
  let cancel = () => {};
  const look = () => {
    for (const one of watched) one.look();
    cancel = options.timers.after(LOOK_EVERY_MS, look);
  };
  cancel = options.timers.after(LOOK_EVERY_MS, look);
  return {
    replaceHooks(hooks) {
      const before = new Map(watched.map((one) => [one.key, one]));
      watched = hooks.map((hook) => {
        const same = before.get(JSON.stringify(hook));
        before.delete(JSON.stringify(hook));
        return same ?? new WatchedHook(hook, options);
      });
      for (const gone of before.values()) void gone.stop();
    },
    stats: () => watched.map((one) => one.stats()),
    async stop() {
      cancel();
      await Promise.all(watched.map((one) => one.stop()));
    },
  };
}

class WatchedHook {
  readonly key: string;
  readonly #hook: ScaleHook;
  readonly #options: ScaleHooksOptions;
  readonly #watch: ScaleWatch;
  readonly #ending = new AbortController();
  readonly #done = { up: 0, down: 0, failures: 0 };
  #running: Promise<void> | null = null;

  constructor(hook: ScaleHook, options: ScaleHooksOptions) {
    this.key = JSON.stringify(hook);
    this.#hook = hook;
    this.#options = options;
    this.#watch = new ScaleWatch(hook);
  }

  look(): void {
    // One at a time: what scales up has not ended when it asks whether that was enough.
    if (this.#running !== null) return;
    const figures = this.#options.sample(this.#hook.subject);
    if (figures === null) return;
    const signal = this.#watch.note(figures, this.#options.clock.monotonicMs());
    if (signal === null) return;
    this.#running = this.#act(signal, figures).finally(() => {
      this.#running = null;
    });
  }

  stats(): ScaleHookStats {
    return { name: this.#hook.name, ...this.#done };
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #act(signal: ScaleSignal, figures: ScaleFigures): Promise<void> {
    const { log, clock } = this.#options;
    const facts = { hook: this.#hook.name, ...signal, ...figures };
    log.info('scale_hook', facts);
    const beganMs = clock.monotonicMs();
    try {
      await this.#run(signal, figures);
      this.#done[signal.direction] += 1;
      log.info('scale_hook_done', { ...facts, ms: Math.round(clock.monotonicMs() - beganMs) });
    } catch (cause) {
      this.#done.failures += 1;
      log.warn('scale_hook_failed', { ...facts, cause });
    }
  }

  async #run({ direction, times }: ScaleSignal, figures: ScaleFigures): Promise<void> {
    const { name, subject } = this.#hook;
    const action = this.#hook[direction]?.action;
    if (action === undefined) return;
    if (action.kind === 'webhook') {
      const message = this.#message({ direction, times }, figures);
      return this.#options.post(action, message, this.#ending.signal);
    }
    const env = {
      ...inheritedEnvironment(this.#options.env),
      LLMGATE_SCALE_HOOK: name,
      LLMGATE_SCALE_DIRECTION: direction,
      LLMGATE_SCALE_TIMES: String(times),
      [`LLMGATE_SCALE_${subject.kind.toUpperCase()}`]: subject.name,
      LLMGATE_SCALE_WAITING: String(figures.waiting),
      LLMGATE_SCALE_UTILISATION: figures.utilisation?.toFixed(3) ?? '',
    };
    const { command, timeoutMs } = action;
    await runCommand({ command, env, timeoutMs, signal: this.#ending.signal });
  }

  #message({ direction, times }: ScaleSignal, { waiting, utilisation }: ScaleFigures) {
    const { name, subject } = this.#hook;
    const atMs = this.#options.clock.nowMs();
    const body = JSON.stringify({
      type: `scale.${direction}`,
      timestamp: new Date(atMs).toISOString(),
      data: { hook: name, [subject.kind]: subject.name, waiting, utilisation, times },
    });
    // Receivers drop a message whose id they have seen; the name may hold what ids may not.
    return { id: `scale_${Buffer.from(name).toString('hex').slice(0, 32)}_${atMs}`, body };
  }
}
