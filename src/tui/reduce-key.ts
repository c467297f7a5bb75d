import { setFilter, setTable, showScreen } from './change-view.ts';
import { INTERVALS_MS } from './interval.ts';
import type { KeyPress } from './key-press.ts';
import { runCommand } from './run-command.ts';
import { findTable } from './screen-map.ts';
import { selectedId, withAction } from './select-row.ts';
import {
  bodyRows,
  type Mode,
  SCREENS,
  type ScreenName,
  TITLE_ROWS,
  type TopState,
} from './state.ts';
import { findCursor, findOffset } from './table.ts';
import type { TopAction } from './top-action.ts';

const BROWSE: Mode = { kind: 'browse' };

/** What is typed into a line; more than that is no name. */
const TYPED_MAX = 200;

/** What one key does, by what is on the screen. */
export function reduceKey(state: TopState, key: KeyPress): TopState {
  // Whatever else is open: the way out is always the same.
  if (key === 'ctrl+c') return { ...state, isOver: true };
  const { mode } = state;
  switch (mode.kind) {
    case 'confirm':
      return answer(state, key, mode.action, mode.before);
    case 'filter':
    case 'command':
      return typeInto(state, key, mode.kind, mode.text);
    case 'help':
    case 'detail':
      return scroll(state, key, mode);
    case 'browse':
      return browse(state, key);
  }
}

function answer(state: TopState, key: KeyPress, action: TopAction, before: Mode): TopState {
  // Anything but a yes is a no: what was asked cannot always be taken back.
  if (key === 'y' || key === 'Y') return { ...state, mode: before, action, notice: null };
  return { ...state, mode: before, notice: { text: 'nothing was done', tone: 'plain' } };
}

function typeInto(
  state: TopState,
  key: KeyPress,
  kind: 'filter' | 'command',
  text: string,
): TopState {
  switch (key) {
    case 'escape':
      return kind === 'filter'
        ? setFilter({ ...state, mode: BROWSE }, '')
        : { ...state, mode: BROWSE };
    case 'enter':
      return kind === 'filter'
        ? { ...state, mode: BROWSE }
        : runCommand({ ...state, mode: BROWSE }, text);
    case 'backspace':
      return text === ''
        ? { ...state, mode: BROWSE }
        : typed(state, kind, [...text].slice(0, -1).join(''));
    case 'ctrl+u':
      return typed(state, kind, '');
    default:
      if (key.length > 2 || text.length >= TYPED_MAX) return state;
      return typed(state, kind, text + key);
  }
}

function typed(state: TopState, kind: 'filter' | 'command', text: string): TopState {
  const next: TopState = { ...state, mode: { kind, text } };
  // A filter works while it is typed.
  return kind === 'filter' ? setFilter(next, text) : next;
}

type Scrolled = Extract<Mode, { readonly offset: number }>;

function scroll(state: TopState, key: KeyPress, mode: Scrolled): TopState {
  const page = Math.max(1, bodyRows(state) - 1);
  const to = (offset: number) => ({ ...state, mode: { ...mode, offset: Math.max(0, offset) } });
  switch (key) {
    case 'down':
    case 'j':
      return to(mode.offset + 1);
    case 'up':
    case 'k':
      return to(mode.offset - 1);
    case 'pagedown':
    case 'ctrl+d':
      return to(mode.offset + page);
    case 'pageup':
    case 'ctrl+u':
      return to(mode.offset - page);
    case 'home':
    case 'g':
      return to(0);
    case 'escape':
    case 'enter':
    case 'backspace':
    case 'left':
      return { ...state, mode: BROWSE };
    case '?':
      return mode.kind === 'help' ? { ...state, mode: BROWSE } : general(state, key);
    case 'x':
    case 'u':
      return mode.kind === 'detail' ? withAction(state, key) : state;
    default:
      return general(state, key);
  }
}

function browse(state: TopState, key: KeyPress): TopState {
  const page = Math.max(1, bodyRows(state) - TITLE_ROWS - 1);
  switch (key) {
    case 'down':
    case 'j':
      return move(state, (at) => at + 1);
    case 'up':
    case 'k':
      return move(state, (at) => at - 1);
    case 'pagedown':
    case 'ctrl+d':
      return move(state, (at) => at + page);
    case 'pageup':
    case 'ctrl+u':
      return move(state, (at) => at - page);
    case 'home':
    case 'g':
      return move(state, () => 0);
    case 'end':
    case 'G':
      return move(state, () => Number.MAX_SAFE_INTEGER);
    case 'enter': {
      const row = selectedId(state);
      return row === null ? state : { ...state, mode: { kind: 'detail', row, offset: 0 } };
    }
    case 'escape':
      return setFilter({ ...state, notice: null }, '');
    case 's':
    case '>':
      return sortBy(state, 1);
    case '<':
      return sortBy(state, -1);
    case 'S':
      return setTable(state, { sort: null, isReversed: false });
    case 'r':
      return setTable(state, { isReversed: !state.tables[state.screen].isReversed });
    case 'x':
    case 'u':
      return withAction(state, key);
    case '/':
      return findTable(state.screen) === undefined
        ? state
        : { ...state, mode: { kind: 'filter', text: state.tables[state.screen].filter } };
    default:
      return general(state, key);
  }
}

/** Keys that mean the same everywhere. */
function general(state: TopState, key: KeyPress): TopState {
  switch (key) {
    case 'q':
      return { ...state, isOver: true };
    case '?':
      return { ...state, mode: { kind: 'help', offset: 0 } };
    case ':':
      return { ...state, mode: { kind: 'command', text: '' }, notice: null };
    case 'tab':
    case 'right':
      return showScreen(state, besides(state.screen, 1));
    case 'backtab':
    case 'left':
      return showScreen(state, besides(state.screen, -1));
    case 'p':
    case ' ':
      return { ...state, isPaused: !state.isPaused };
    case '+':
    case '=':
      return changeInterval(state, 1);
    case '-':
      return changeInterval(state, -1);
    default: {
      const screen = /^[1-9]$/.test(key) ? SCREENS[Number(key) - 1] : undefined;
      return screen === undefined ? state : showScreen(state, screen);
    }
  }
}

function besides(screen: ScreenName, step: number): ScreenName {
  const at = (SCREENS.indexOf(screen) + step + SCREENS.length) % SCREENS.length;
  return SCREENS[at] ?? 'overview';
}

function changeInterval(state: TopState, step: number): TopState {
  const at = INTERVALS_MS.findIndex((each) => each >= state.intervalMs);
  const next = INTERVALS_MS[at + step];
  return next === undefined ? state : { ...state, intervalMs: next };
}

function move(state: TopState, to: (at: number) => number): TopState {
  const ids = findTable(state.screen)?.ids(state) ?? [];
  const table = state.tables[state.screen];
  const cursor = Math.max(0, Math.min(to(findCursor(ids, table)), ids.length - 1));
  const height = Math.max(1, bodyRows(state) - TITLE_ROWS);
  const offset = findOffset(cursor, table.offset, ids.length, height);
  // At the end of the log, and at the top of everything, the cursor stays there as rows come.
  const isAtEdge = state.screen === 'log' ? cursor === ids.length - 1 : cursor === 0;
  return setTable(state, {
    cursor: isAtEdge && state.screen === 'log' ? Number.MAX_SAFE_INTEGER : cursor,
    pinned: isAtEdge ? null : (ids[cursor] ?? null),
    offset,
  });
}

function sortBy(state: TopState, step: number): TopState {
  const columns = findTable(state.screen)?.columns.filter((title) => title !== '') ?? [];
  if (columns.length === 0) return state;
  const { sort } = state.tables[state.screen];
  const at = sort === null ? (step > 0 ? -1 : 0) : columns.indexOf(sort);
  const next = columns[(at + step + columns.length) % columns.length] ?? null;
  return setTable(state, { sort: next, isReversed: false });
}
