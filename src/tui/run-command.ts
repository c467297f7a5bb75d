import { setFilter, setTable, showScreen } from './change-view.ts';
import { parseIntervalMs } from './interval.ts';
import { findTable } from './screen-map.ts';
import { askFor } from './select-row.ts';
import { SCREENS, type TopState } from './state.ts';
import type { TopAction } from './top-action.ts';

/** Does what was typed after `:`. Names of screens and commands may be cut short, as in k9s. */
export function runCommand(state: TopState, text: string): TopState {
  const [word = '', ...rest] = text.trim().split(/\s+/);
  const argument = rest.join(' ');
  if (word === '') return state;
  if (/^q(uit)?!?$|^exit$/.test(word)) return { ...state, isOver: true };
  const action = toAction(word, argument);
  if (action !== null) return askFor(state, action);
  switch (word) {
    case 'drain':
    case 'resume':
    case 'cancel':
    case 'suspend':
    case 'unsuspend':
      return refuse(state, `:${word} needs a name`);
    case 'help':
      return { ...state, mode: { kind: 'help', offset: 0 } };
    case 'pause':
      return { ...state, isPaused: !state.isPaused };
    case 'filter':
      return setFilter(state, argument);
    case 'sort':
      return sort(state, argument.toLowerCase());
    case 'interval':
      return changeInterval(state, argument);
  }
  const screen = SCREENS.find((name) => name.startsWith(word.toLowerCase()));
  if (screen !== undefined) return showScreen(state, screen);
  return refuse(state, `there is no command "${word}"; ? shows all`);
}

function refuse(state: TopState, text: string): TopState {
  return { ...state, notice: { text, tone: 'bad' } };
}

function toAction(word: string, name: string): TopAction | null {
  if (name === '') return null;
  if (word === 'drain' || word === 'resume') return { kind: word, backend: name };
  if (word === 'suspend' || word === 'unsuspend') return { kind: word, key: name };
  return word === 'cancel' ? { kind: word, request: name } : null;
}

function sort(state: TopState, column: string): TopState {
  const columns = findTable(state.screen)?.columns ?? [];
  if (columns.includes(column)) return setTable(state, { sort: column, isReversed: false });
  return refuse(state, `this screen cannot be sorted by "${column}"`);
}

function changeInterval(state: TopState, text: string): TopState {
  const intervalMs = parseIntervalMs(text);
  if (intervalMs === null) return refuse(state, 'an interval is 100ms to 10s, such as 500ms or 2s');
  return { ...state, intervalMs };
}
