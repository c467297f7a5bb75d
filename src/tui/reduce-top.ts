import type { LiveDocument } from '../observe/live-document.ts';
import { addToHistory } from './history.ts';
import { reduceKey } from './reduce-key.ts';
import type { KeptLine, Notice, TopState } from './state.ts';
import type { TopEvent } from './top-event.ts';

/** Of finished requests and of log lines that are kept to look at. */
const KEPT_MAX = 500;

/** What one event makes of the screen. The same state again when nothing is to be drawn anew. */
export function reduceTop(state: TopState, event: TopEvent): TopState {
  switch (event.type) {
    case 'document':
      return state.isPaused ? state : takeDocument(state, event.document);
    case 'key':
      return reduceKey(state, event.key);
    case 'resized': {
      const { columns, rows } = event;
      return columns === state.columns && rows === state.rows ? state : { ...state, columns, rows };
    }
    case 'lost':
      // The last figures stay: they are wanted most when the gateway is gone.
      return {
        ...state,
        nowMs: event.nowMs,
        link:
          state.link.kind === 'lost'
            ? { ...state.link, problem: event.problem }
            : { kind: 'lost', problem: event.problem, sinceMs: event.nowMs },
      };
    case 'explained':
      return { ...state, explained: { row: event.row, lines: event.lines } };
    case 'acted':
      return { ...state, notice: { text: event.text, tone: event.ok ? 'good' : 'bad' } };
  }
}

function takeDocument(state: TopState, document: LiveDocument): TopState {
  const before = state.document;
  const isOther = before !== null && before.gateway.started_at !== document.gateway.started_at;
  const finished = isOther ? [] : state.finished;
  return {
    ...state,
    document,
    history: addToHistory(state.history, document),
    finished: [...document.finished, ...finished].slice(0, KEPT_MAX),
    log: appendLog(isOther ? [] : state.log, document),
    link: { kind: 'up' },
    notice: noticeOf(state, isOther, document),
  };
}

function noticeOf(
  { link, notice }: TopState,
  isOther: boolean,
  document: LiveDocument,
): Notice | null {
  if (isOther) {
    const at = document.gateway.started_at.slice(11, 19);
    return { text: `the gateway was started again at ${at}`, tone: 'good' };
  }
  return link.kind === 'lost' ? { text: 'the gateway is back', tone: 'good' } : notice;
}

function appendLog(log: readonly KeptLine[], { log: added }: LiveDocument): readonly KeptLine[] {
  if (added.length === 0) return log;
  const from = (log.at(-1)?.number ?? -1) + 1;
  const numbered = added.map((line, at) => ({ number: from + at, line }));
  return [...log, ...numbered].slice(-KEPT_MAX);
}
