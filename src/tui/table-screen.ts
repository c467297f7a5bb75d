import { fitText } from './cell-text.ts';
import type { Paint } from './paint.ts';
import { type ScreenName, TITLE_ROWS, type TopState } from './state.ts';
import { arrangeRows, type Field, renderTable, type TableSpec } from './table.ts';

/** A screen that is a table, with the kind of its rows closed in. */
export interface TableScreen {
  /** Names that it can be sorted by. */
  readonly columns: readonly string[];
  /** In the order in which they are shown. */
  ids(state: TopState): readonly string[];
  render(state: TopState, height: number, paint: Paint): string[];
  /** Null when the row is gone. */
  detail(state: TopState, id: string): readonly Field[] | null;
}

export function createTableScreen<Row>(
  name: ScreenName,
  spec: TableSpec<TopState, Row>,
): TableScreen {
  const arrange = (state: TopState) => arrangeRows(spec, state, state.tables[name]);
  return {
    columns: spec.columns.map(({ title }) => title.toLowerCase()),
    ids: (state) => arrange(state).map((row) => spec.id(row)),
    render(state, height, paint) {
      const rows = arrange(state);
      const table = state.tables[name];
      const lines = renderTable(spec, rows, table, { width: state.columns, height, paint });
      if (table.filter === '' || rows.length > 0 || lines.length <= TITLE_ROWS) return lines;
      // Nothing is empty because of a filter only.
      lines[TITLE_ROWS] = paint(`  nothing matches "${fitText(table.filter, 40)}"`, 'dim');
      return lines;
    },
    detail(state, id) {
      const row = spec.rows(state).find((each) => spec.id(each) === id);
      return row === undefined ? null : spec.detail(row, state);
    },
  };
}
