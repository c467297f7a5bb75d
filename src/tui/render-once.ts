import type { LiveDocument } from '../observe/live-document.ts';
import { paintNothing } from './paint.ts';
import { reduceTop } from './reduce-top.ts';
import { renderFrame } from './render-frame.ts';
import { createTopState, type ScreenName } from './state.ts';

export interface OnceOptions {
  readonly columns: number;
  readonly rows: number;
  readonly screen: ScreenName;
  readonly filter: string;
  readonly intervalMs: number;
}

/** One frame as text, without its footer, from documents that were read one after the other. */
export function renderOnce(documents: readonly LiveDocument[], options: OnceOptions): string {
  let state = createTopState(options);
  for (const document of documents) state = reduceTop(state, { type: 'document', document });
  // Nobody is at the keys, so a cursor would mark a row for no reason; keys are not explained either.
  const lines = renderFrame(state, paintNothing).slice(0, -1);
  const text = lines.map((line) => line.replace(/^> /, '  ').trimEnd());
  while (text.at(-1) === '') text.pop();
  return text.map((line) => `${line}\n`).join('');
}
