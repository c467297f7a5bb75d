import { findTable } from './screen-map.ts';
import type { TopState } from './state.ts';
import { findCursor } from './table.ts';
import type { TopAction } from './top-action.ts';

/** The row that is open, or that the cursor is on; null where there is none. */
export function selectedId(state: TopState): string | null {
  if (state.mode.kind === 'detail') return state.mode.row;
  const ids = findTable(state.screen)?.ids(state) ?? [];
  return ids[findCursor(ids, state.tables[state.screen])] ?? null;
}

/** Asks whether to do what `x` (stop) or `u` (undo) means for the row. */
export function withAction(state: TopState, key: 'x' | 'u'): TopState {
  const id = selectedId(state);
  const action = id === null ? null : findAction(state, key, id);
  if (action !== null) return askFor(state, action);
  if (state.screen !== 'requests' || id === null) return state;
  return { ...state, notice: { text: 'only a request in flight can be cancelled', tone: 'plain' } };
}

export function askFor(state: TopState, action: TopAction): TopState {
  return { ...state, mode: { kind: 'confirm', action, before: state.mode }, notice: null };
}

function findAction({ screen, document }: TopState, key: 'x' | 'u', id: string): TopAction | null {
  if (screen === 'backends') return { kind: key === 'x' ? 'drain' : 'resume', backend: id };
  if (screen === 'keys') return { kind: key === 'x' ? 'suspend' : 'unsuspend', key: id };
  const isInFlight = document?.requests?.some((request) => request.id === id) === true;
  if (screen === 'requests' && key === 'x' && isInFlight) return { kind: 'cancel', request: id };
  return null;
}
