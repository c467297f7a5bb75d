import type { Clock } from '../core/clock.ts';
import type { LiveDocument } from '../observe/live-document.ts';
import type { LiveList } from '../observe/live-lists.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Paint } from './paint.ts';
import { reduceTop } from './reduce-top.ts';
import { renderFrame } from './render-frame.ts';
import { createTopState, type ScreenName, type TopState } from './state.ts';
import type { Terminal, TerminalEvents } from './terminal.ts';
import { reportOf, type TopAction } from './top-action.ts';
import type { TopEvent } from './top-event.ts';

/** Where documents come from, and who does what a person asks for. */
export interface TopSource {
  /** Rejects with a message for the person at the screen when the gateway does not answer. */
  live(since: number, lists: readonly LiveList[]): Promise<LiveDocument>;
  act(action: TopAction): Promise<void>;
  /** All that is known of a request, as neutral lines of at most `columns` cells. */
  explain(request: string, columns: number): Promise<readonly string[]>;
}

export interface RunTopOptions {
  readonly source: TopSource;
  readonly clock: Clock;
  readonly paint: Paint;
  readonly openTerminal: (events: TerminalEvents) => Terminal;
  readonly intervalMs: number;
  readonly screen: ScreenName;
  readonly filter: string;
  /** Ends it from outside. */
  readonly signal: AbortSignal;
}

const CALLERS: readonly LiveList[] = ['callers'];
const REQUESTS: readonly LiveList[] = ['requests'];

/** The long lists that a screen shows; most of the document is in them. */
const LISTS_OF: Readonly<Partial<Record<ScreenName, readonly LiveList[]>>> = {
  ...{ keys: CALLERS, users: CALLERS, teams: CALLERS, requests: REQUESTS },
};

/** A gateway that is gone is asked no more often than this. */
const RETRY_MS = 1_000;
/** Frames are not drawn closer together: keys that repeat come faster than anybody can read. */
const FRAME_MS = 25;

/**
 * Shows the screen until somebody quits. The terminal is given back whatever happens; a fault of ours
 * is thrown after that.
 */
export async function runTop(options: RunTopOptions): Promise<void> {
  const top = new RunningTop(options);
  try {
    await top.run();
  } finally {
    top.close();
  }
}

class RunningTop {
  readonly #options: RunTopOptions;
  readonly #terminal: Terminal;
  readonly #frames = new FrameWriter();
  readonly #over = Promise.withResolvers<void>();
  #state: TopState;
  #isOver = false;
  #pollTimer: ReturnType<typeof setTimeout> | undefined;
  #frameTimer: ReturnType<typeof setTimeout> | undefined;
  #isPolling = false;
  #isExplaining = false;

  constructor(options: RunTopOptions) {
    const { intervalMs, screen, filter } = options;
    this.#options = options;
    this.#terminal = options.openTerminal({
      onKey: (key) => this.#dispatch({ type: 'key', key }),
      onResize: () => this.#resize(),
      onGone: () => this.#end(),
    });
    const { columns, rows } = this.#terminal;
    this.#state = createTopState({ columns, rows, intervalMs, screen, filter });
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const stop = () => this.#end();
    signal.addEventListener('abort', stop);
    try {
      if (signal.aborted) return;
      this.#draw();
      this.#poll();
      await this.#over.promise;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#frameTimer);
    this.#terminal.close();
  }

  #end(): void {
    this.#isOver = true;
    this.#over.resolve();
  }

  /** Every event comes through here, so that no fault leaves a terminal behind in raw mode. */
  #dispatch(event: TopEvent): void {
    if (this.#isOver) return;
    try {
      const before = this.#state;
      this.#state = reduceTop(before, event);
      this.#react(before);
      if (this.#state !== before) this.#drawSoon();
    } catch (cause) {
      this.#over.reject(cause);
    }
  }

  #react(before: TopState): void {
    const { isOver, action, isPaused, intervalMs, screen } = this.#state;
    if (isOver) return this.#end();
    if (action !== null) {
      this.#state = { ...this.#state, action: null };
      void this.#act(action);
    }
    // Who goes on, wants to see more often or looks at something else does not want to wait for
    // what was planned before.
    const isOtherView = screen !== before.screen && LISTS_OF[screen] !== LISTS_OF[before.screen];
    if (isPaused !== before.isPaused || intervalMs !== before.intervalMs || isOtherView) {
      this.#pollIn(0);
    }
    this.#explainSoon(before);
  }

  /** A request that is opened, and one that is open as long as it goes on. */
  #explainSoon(before: TopState): void {
    const row = openRequest(this.#state);
    if (row === null || this.#isExplaining) return;
    const isOpened = openRequest(before) !== row;
    const isNews =
      before.document !== this.#state.document &&
      (isInFlight(before, row) || isInFlight(this.#state, row));
    if (isOpened || isNews) void this.#explain(row);
  }

  async #explain(row: string): Promise<void> {
    this.#isExplaining = true;
    try {
      const lines = await this.#options.source.explain(row, this.#state.columns);
      this.#dispatch({ type: 'explained', row, lines });
    } catch {
      // What the table itself knows is shown then.
    } finally {
      this.#isExplaining = false;
    }
  }

  async #act(action: TopAction): Promise<void> {
    try {
      await this.#options.source.act(action);
      this.#dispatch({ type: 'acted', ok: true, text: reportOf(action) });
    } catch (cause) {
      this.#dispatch({ type: 'acted', ok: false, text: messageOf(cause) });
    }
    this.#pollIn(0);
  }

  #resize(): void {
    const { columns, rows } = this.#terminal;
    // What the terminal made of the old frame in its new size is not known.
    this.#terminal.write(this.#frames.forget());
    this.#dispatch({ type: 'resized', columns, rows });
  }

  #pollIn(delayMs: number): void {
    clearTimeout(this.#pollTimer);
    // While it is stopped the gateway pays nothing for being looked at.
    if (this.#isOver || this.#isPolling || this.#state.isPaused) return;
    this.#pollTimer = setTimeout(() => this.#poll(), delayMs);
  }

  #poll(): void {
    this.#isPolling = true;
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const lists = LISTS_OF[this.#state.screen];
    void this.#fetch(lists ?? []).then((isUp) => {
      this.#isPolling = false;
      // Somebody may have gone to a screen meanwhile that shows what was not asked for.
      const isComplete = LISTS_OF[this.#state.screen] === lists;
      const everyMs = isUp ? (isComplete ? this.#state.intervalMs : 0) : RETRY_MS;
      this.#pollIn(Math.max(0, everyMs - (clock.monotonicMs() - startedMs)));
    });
  }

  /** False when the gateway does not answer. */
  async #fetch(lists: readonly LiveList[]): Promise<boolean> {
    const { source, clock } = this.#options;
    const known = this.#state.document;
    try {
      let document = await source.live(known?.seq ?? 0, lists);
      if (known !== null && known.gateway.started_at !== document.gateway.started_at) {
        // Another gateway counts from the beginning again, so that was the wrong question.
        document = await source.live(0, lists);
      }
      this.#dispatch({ type: 'document', document });
      return true;
    } catch (cause) {
      this.#dispatch({ type: 'lost', problem: messageOf(cause), nowMs: clock.nowMs() });
      return false;
    }
  }

  #drawSoon(): void {
    this.#frameTimer ??= setTimeout(() => {
      this.#frameTimer = undefined;
      try {
        this.#draw();
      } catch (cause) {
        this.#over.reject(cause);
      }
    }, FRAME_MS);
  }

  #draw(): void {
    if (this.#isOver) return;
    const text = this.#frames.write(renderFrame(this.#state, this.#options.paint));
    if (text !== '') this.#terminal.write(text);
  }
}

/** The request whose details are open. */
function openRequest({ screen, mode }: TopState): string | null {
  return screen === 'requests' && mode.kind === 'detail' ? mode.row : null;
}

function isInFlight({ document }: TopState, id: string): boolean {
  return document?.requests?.some((request) => request.id === id) === true;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
