import { type Paint, paintNothing } from '../../src/tui/paint.ts';
import { reduceTop } from '../../src/tui/reduce-top.ts';
import { renderFrame } from '../../src/tui/render-frame.ts';
import { createTopState, type TopState } from '../../src/tui/state.ts';
import { type SceneSize, SMALL, someLiveDocument } from './some-live-document.ts';

export interface TopViewOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly size?: SceneSize;
  /** How long it has been looked at. */
  readonly seconds?: number;
}

/** A screen that has been open for a while before a busy gateway. */
export function openTopView(options: TopViewOptions = {}): TopState {
  const { columns = 80, rows = 24, size = SMALL, seconds = 90 } = options;
  let state = createTopState({ columns, rows, intervalMs: 1_000, screen: 'overview', filter: '' });
  for (let second = 1; second <= seconds; second += 1) {
    const document = someLiveDocument(second, size, state.document?.seq ?? 0);
    state = reduceTop(state, { type: 'document', document });
  }
  return state;
}

export function press(state: TopState, ...keys: readonly string[]): TopState {
  return keys.reduce((now, key) => reduceTop(now, { type: 'key', key }), state);
}

/** Types a text, key by key, and Enter. */
export function type(state: TopState, text: string): TopState {
  return press(state, ...text, 'enter');
}

export function frameOf(state: TopState, paint: Paint = paintNothing): string {
  return renderFrame(state, paint)
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Texts of the line that has the cursor, of the first line and of the last. */
export function linesOf(state: TopState): { cursor: string; header: string; footer: string } {
  const lines = renderFrame(state, paintNothing).map((line) => line.trim());
  return {
    cursor: lines.find((line) => line.startsWith('> '))?.slice(2) ?? '',
    header: lines[0] ?? '',
    footer: lines.at(-1) ?? '',
  };
}
