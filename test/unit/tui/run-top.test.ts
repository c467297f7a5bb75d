import { describe, expect, test } from 'vitest';
import type { LiveDocument } from '../../../src/observe/live-document.ts';
import { paintNothing } from '../../../src/tui/paint.ts';
import { runTop } from '../../../src/tui/run-top.ts';
import type { TerminalEvents } from '../../../src/tui/terminal.ts';
import type { TopAction } from '../../../src/tui/top-action.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { ScreenEmulator } from '../../support/screen-emulator.ts';
import { someLiveDocument } from '../../support/some-live-document.ts';

type Answer = (since: number) => LiveDocument | Promise<LiveDocument>;

/** A running screen before a gateway that answers as the test wants. */
class TopLab {
  readonly screen = new ScreenEmulator(80, 24);
  readonly actions: TopAction[] = [];
  readonly asked: number[] = [];
  readonly lists: string[] = [];
  answer: Answer = () => someLiveDocument(60 + this.asked.length);
  readonly explained: string[] = [];
  story: readonly string[] | null = null;
  failAction: Error | null = null;
  closed = 0;
  written = 0;
  readonly over: Promise<void>;
  readonly #stop = new AbortController();
  readonly #waiters = new Set<() => void>();
  #events: TerminalEvents | undefined;

  constructor(answer?: Answer) {
    if (answer !== undefined) this.answer = answer;
    const { screen } = this;
    this.over = runTop({
      source: {
        live: async (since, lists) => {
          this.asked.push(since);
          this.lists.push(lists.join());
          this.#look();
          return this.answer(since);
        },
        explain: async (request) => {
          this.explained.push(request);
          if (this.story === null) throw new Error('nothing is known');
          return this.story;
        },
        act: async (action) => {
          this.actions.push(action);
          if (this.failAction !== null) throw this.failAction;
        },
      },
      ...{ clock: createFakeClock(), paint: paintNothing, intervalMs: 100 },
      ...{ screen: 'overview', filter: '', signal: this.#stop.signal },
      openTerminal: (events) => {
        this.#events = events;
        return {
          get columns() {
            return screen.columns;
          },
          get rows() {
            return screen.rows;
          },
          write: (text) => {
            this.written += 1;
            screen.write(text);
            this.#look();
          },
          close: () => {
            this.closed += 1;
          },
        };
      },
    });
    // Whoever waits for the end gets it; nobody else is to be told of it as unhandled.
    this.over.catch(() => {});
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) this.#events?.onKey(key);
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    this.#events?.onResize();
  }

  hangUp(): void {
    this.#events?.onGone();
  }

  stop(): void {
    this.#stop.abort();
  }

  shows(text: string): Promise<void> {
    return this.#until(() => this.screen.text().includes(text));
  }

  wasAsked(times: number): Promise<void> {
    return this.#until(() => this.asked.length >= times);
  }

  #until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isMet()) return;
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#waiters]) look();
  }
}

describe('runTop', () => {
  test('draws what comes, again and again, until q', async () => {
    const lab = new TopLab();
    await lab.shows('up 1m 1s');
    await lab.shows('up 1m 3s');
    lab.press('q');
    await lab.over;
    expect(lab.closed).toBe(1);
    expect(lab.asked.slice(0, 3)).toEqual([0, 122, 124]);
  });

  test.each([
    ['a signal', (lab: TopLab) => lab.stop()],
    ['a terminal that is gone', (lab: TopLab) => lab.hangUp()],
    ['Ctrl-C', (lab: TopLab) => lab.press('ctrl+c')],
  ])('%s ends it and gives the terminal back', async (_, end) => {
    const lab = new TopLab();
    await lab.shows('serving');
    end(lab);
    await lab.over;
    expect(lab.closed).toBe(1);
    const { written } = lab;
    lab.press('1', '2');
    lab.resize(100, 30);
    expect(lab.written).toBe(written + 1);
  });

  test('a fault of ours is thrown after the terminal was given back', async () => {
    const lab = new TopLab(() => ({ ...someLiveDocument(1), models: null }) as never);
    await expect(lab.over).rejects.toThrow();
    expect(lab.closed).toBe(1);
  });

  test('is drawn anew in another size', async () => {
    const lab = new TopLab();
    await lab.shows('serving');
    lab.resize(30, 5);
    await lab.shows('too small: 40x8 is needed');
    expect(lab.screen.lines().filter((line) => line !== '')).toHaveLength(1);
    lab.resize(120, 40);
    await lab.shows('the last 8 minutes');
    lab.press('q');
    await lab.over;
  });

  test('what was confirmed is done once, and what came of it is said', async () => {
    const lab = new TopLab();
    await lab.shows('serving');
    lab.press('3', 'x', 'y');
    await lab.shows('gpu0 is drained');
    expect(lab.actions).toEqual([{ kind: 'drain', backend: 'gpu0' }]);
    lab.failAction = new Error('there is no backend "gpu0"');
    lab.press('u', 'y');
    await lab.shows('there is no backend "gpu0"');
    lab.press('q');
    await lab.over;
  });

  test('a gateway that goes and comes back as another is asked from the beginning', async () => {
    const lab = new TopLab();
    await lab.shows('serving');
    lab.answer = () => Promise.reject(new Error('nobody answers'));
    await lab.shows('GATEWAY GONE');
    const before = lab.asked.length;
    lab.answer = (since) => {
      const document = someLiveDocument(2, undefined, since);
      return {
        ...document,
        gateway: { ...document.gateway, started_at: '2026-11-18T12:00:00.000Z' },
      };
    };
    await lab.shows('the gateway was started again at 12:00:00');
    expect(lab.asked.slice(before).find((since) => since === 0)).toBe(0);
    lab.press('q');
    await lab.over;
  });

  test('a gateway that is not there yet is waited for', async () => {
    const lab = new TopLab(() => Promise.reject(new Error('nobody answers')));
    await lab.shows('NO GATEWAY for 0s: nobody answers');
    lab.answer = () => someLiveDocument(60);
    await lab.shows('serving');
    lab.press('q');
    await lab.over;
  });

  test('while it is stopped the gateway is not asked, and at once when it goes on', async () => {
    const lab = new TopLab();
    await lab.shows('serving');
    lab.press('p');
    await lab.shows('PAUSED');
    const asked = lab.asked.length;
    lab.press('2', '3', '4');
    await lab.shows('[4 Keys]');
    expect(lab.asked.length).toBeLessThanOrEqual(asked + 1);
    lab.press('p');
    await lab.wasAsked(asked + 2);
    lab.press('q');
    await lab.over;
  });

  test('only the long list of the screen is asked for, and at once on going there', async () => {
    const lab = new TopLab();
    await lab.shows('serving');
    lab.press('8');
    await lab.wasAsked(lab.asked.length + 1);
    lab.press('5');
    await lab.wasAsked(lab.asked.length + 1);
    expect(lab.lists[0]).toBe('');
    expect(new Set(lab.lists)).toEqual(new Set(['', 'requests', 'callers']));
    lab.press('q');
    await lab.over;
  });

  test('a request that is open is explained, again as long as it goes on', async () => {
    const lab = new TopLab();
    await lab.shows('serving');
    lab.press('8');
    await lab.shows('000000 forward');
    lab.press('enter');
    // Nothing more is known, so what the table knows is shown.
    await lab.shows('(estimate)');
    lab.story = ['Stages', '  limit  ok  600 requests a minute'];
    await lab.shows('limit  ok  600 requests a minute');
    const id = someLiveDocument(60).requests[0]?.id;
    expect(new Set(lab.explained)).toEqual(new Set([id]));
    expect(lab.explained.length).toBeGreaterThan(1);
    lab.press('escape');
    await lab.shows('000000 forward');
    lab.press('q');
    await lab.over;
  });

  test('nothing is written when nothing changes', async () => {
    const lab = new TopLab(() => someLiveDocument(60));
    await lab.shows('serving');
    await lab.wasAsked(3);
    const { written } = lab;
    await lab.wasAsked(6);
    expect(lab.written).toBe(written);
    lab.press('q');
    await lab.over;
  });
});
