import type { ScreenName, TableState, TopState } from './state.ts';

/** Another screen, without what was open on the one before. */
export function showScreen(state: TopState, screen: ScreenName): TopState {
  return { ...state, screen, mode: { kind: 'browse' }, notice: null };
}

/** Changes how the table of the screen is looked at. */
export function setTable(state: TopState, change: Partial<TableState>): TopState {
  const table = { ...state.tables[state.screen], ...change };
  return { ...state, tables: { ...state.tables, [state.screen]: table } };
}

/** Rows without this text are not shown. The cursor goes back to the top. */
export function setFilter(state: TopState, filter: string): TopState {
  return setTable(state, { filter, pinned: null, cursor: 0, offset: 0 });
}
