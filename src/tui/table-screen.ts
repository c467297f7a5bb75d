import { fitText } from './cell-text.ts';
import type { Paint } from './paint.ts';
import type { ScreenName, TopState } from './state.ts';
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
      // Nothing is empty because of a filter only.
      const nothing =
        table.filter === '' ? spec.empty(state) : `nothing matches "${fitText(table.filter, 40)}"`;
      const empty = fitText(nothing, state.columns - 2);
      return renderTable(spec, rows, table, { width: state.columns, height, paint, empty });
    },
    detail(state, id) {
      const row = spec.rows(state).find((each) => spec.id(each) === id);
      return row === undefined ? null : spec.detail(row, state);
    },
  };
}
