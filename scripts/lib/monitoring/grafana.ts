/** The parts of Grafana's dashboard model that are used here. */

export type Unit =
  | 'reqps'
  | 's'
  | 'short'
  | 'percentunit'
  | 'currencyUSD'
  | 'bytes'
  | 'watt'
  | 'celsius'
  | 'hertz'
  | 'joule'
  | 'bool_yes_no';

export interface Query {
  readonly expr: string;
  /** `{{model}}`; the name of a line. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat';
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** What it shows and what to do about it, in one or two sentences. */
  readonly about?: string;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const PANEL_HEIGHT = 8;
const STAT_HEIGHT = 4;
const GRID_WIDTH = 24;

export function line(title: string, unit: Unit, queries: readonly Query[], about?: string): Panel {
  return { kind: 'timeseries', title, unit, queries, ...(about === undefined ? {} : { about }) };
}

export function stat(title: string, unit: Unit, expr: string): Panel {
  return { kind: 'stat', title, unit, queries: [{ expr, legend: '' }] };
}

/** A dashboard as Grafana imports it; the same input gives the same bytes. */
export function renderDashboard(title: string, uid: string, rows: readonly Row[]): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push(rowPanel(panels.length + 1, row.title, y));
    y += 1;
    const isStats = row.panels.every(({ kind }) => kind === 'stat');
    const perLine = isStats ? 8 : 3;
    const height = isStats ? STAT_HEIGHT : PANEL_HEIGHT;
    for (const [at, panel] of row.panels.entries()) {
      const width = GRID_WIDTH / perLine;
      const x = (at % perLine) * width;
      const place = { h: height, w: width, x, y: y + Math.floor(at / perLine) * height };
      panels.push(queryPanel(panels.length + 1, panel, place));
    }
    y += Math.ceil(row.panels.length / perLine) * height;
  }
  const dashboard = {
    title,
    uid,
    tags: ['llmgate'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        datasource(),
        filter('model', 'llmgate_requests_total'),
        filter('backend', 'llmgate_backend_up'),
      ],
    },
    annotations: { list: [] },
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function datasource() {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' };
}

/** A choice of label values, all of them at first. */
function filter(label: string, metric: string) {
  const query = `label_values(${metric}, ${label})`;
  return {
    name: label,
    label: label[0]?.toUpperCase() + label.slice(1),
    type: 'query',
    datasource: DATASOURCE,
    query: { query, refId: label },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}

interface Place {
  readonly h: number;
  readonly w: number;
  readonly x: number;
  readonly y: number;
}

function rowPanel(id: number, title: string, y: number) {
  return {
    id,
    type: 'row',
    title,
    collapsed: false,
    gridPos: { h: 1, w: GRID_WIDTH, x: 0, y },
    panels: [],
  };
}

function queryPanel(id: number, panel: Panel, gridPos: Place) {
  const { kind, title, unit, queries, about } = panel;
  const custom = { lineWidth: 1, fillOpacity: 10, showPoints: 'never' };
  const options =
    kind === 'stat'
      ? { reduceOptions: { calcs: ['lastNotNull'] }, graphMode: 'area', colorMode: 'none' }
      : {
          legend: { displayMode: 'list', placement: 'bottom' },
          tooltip: { mode: 'multi', sort: 'desc' },
        };
  return {
    id,
    type: kind,
    title,
    ...(about === undefined ? {} : { description: about }),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: {
      defaults: { unit, ...(kind === 'stat' ? {} : { custom, min: 0 }) },
      overrides: [],
    },
    options,
    targets: queries.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: DATASOURCE,
      expr,
      ...(legend === '' ? {} : { legendFormat: legend }),
    })),
  };
}
