import { fitText, renderCell, widthOf } from './cell-text.ts';
import { renderDuration, renderTimeOfDay } from './figures.ts';
import type { Paint } from './paint.ts';
import { findTable } from './screen-map.ts';
import { renderHelp } from './screens/help.ts';
import { renderOverview } from './screens/overview.ts';
import {
  bodyRows,
  isTooSmall,
  LOWEST,
  NARROWEST,
  SCREENS,
  type ScreenName,
  type TopState,
} from './state.ts';
import { renderFields } from './table.ts';
import { questionOf } from './top-action.ts';

/** The screen as lines: at most as many as it has rows, none wider than it. */
export function renderFrame(state: TopState, paint: Paint): string[] {
  if (isTooSmall(state)) {
    const text = `too small: ${NARROWEST}x${LOWEST} is needed`;
    return state.rows < 1 ? [] : [fitText(text, state.columns)];
  }
  return [
    renderHeader(state, paint),
    renderTabs(state, paint),
    ...renderBody(state, bodyRows(state), paint),
    renderFooter(state, paint),
  ];
}

function renderHeader(state: TopState, paint: Paint): string {
  const { document, link, columns, isPaused, intervalMs } = state;
  const every = intervalMs < 1_000 ? `${intervalMs}ms` : `${intervalMs / 1_000}s`;
  const time = document === null ? '' : `${renderTimeOfDay(document.at)} UTC `;
  const right = `${isPaused ? 'PAUSED ' : ''}${time}every ${every}`;
  const room = columns - widthOf(right) - 2;
  const left = renderCell(` ${describeGateway(state)}`, { width: Math.max(0, room) });
  return paint(
    `${left} ${right} `.slice(0, left.length + right.length + 2),
    link.kind === 'lost' ? 'bad' : 'title',
  );
}

function describeGateway({ document, link, nowMs }: TopState): string {
  if (link.kind === 'lost') {
    const since = renderDuration(nowMs - link.sinceMs);
    return document === null
      ? `NO GATEWAY for ${since}: ${link.problem}`
      : `GATEWAY GONE for ${since}, last figures: ${link.problem}`;
  }
  if (document === null) return 'llmgate: connecting';
  const { version, listen, draining } = document.gateway;
  const up = renderDuration(document.uptime_ms);
  return `llmgate ${version}  ${draining ? 'DRAINING' : 'serving'}  up ${up}  ${listen}`;
}

const TITLES: Readonly<Record<ScreenName, string>> = {
  ...{ overview: 'Overview', models: 'Models', backends: 'Backends', keys: 'Keys', users: 'Users' },
  ...{ teams: 'Teams', gpus: 'GPUs', requests: 'Requests', log: 'Log' },
};

function renderTabs({ screen, columns }: TopState, paint: Paint): string {
  const isNarrow = columns < 80;
  return ` ${SCREENS.map((name, at) => {
    const isShown = name === screen;
    // Numbers alone still say where to go.
    const title = isNarrow && !isShown ? '' : TITLES[name];
    const text = isShown ? `[${at + 1} ${title}]` : `${at + 1}${title === '' ? '' : ` ${title}`}`;
    return paint(text, isShown ? 'selected' : 'plain');
  }).join(' ')}`;
}

function renderBody(state: TopState, height: number, paint: Paint): string[] {
  const { mode } = state;
  const shown = mode.kind === 'confirm' ? mode.before : mode;
  if (shown.kind === 'help')
    return renderHelp(height, shown.offset, paint).map((line) => clip(line, state));
  if (shown.kind === 'detail') return renderDetail(state, shown, height, paint);
  const table = findTable(state.screen);
  if (table !== undefined) return table.render(state, height, paint);
  return renderOverview(state, height, paint).map((line) => clip(line, state));
}

/** Our own text, which may be painted: measured without its colours. */
function clip(line: string, { columns }: TopState): string {
  return widthOf(line) <= columns ? line : Bun.sliceAnsi(line, 0, columns);
}

function renderDetail(
  state: TopState,
  { row, offset }: { readonly row: string; readonly offset: number },
  height: number,
  paint: Paint,
): string[] {
  const { explained } = state;
  const lines =
    explained?.row === row
      ? explained.lines.map((line) => (line.startsWith(' ') ? line : ` ${paint(line, 'title')}`))
      : renderRow(state, row, paint);
  const from = Math.min(offset, Math.max(0, lines.length + 1 - height));
  const shown = ['', ...lines].slice(from, from + height).map((line) => clip(line, state));
  while (shown.length < height) shown.push('');
  return shown;
}

/** What the table itself knows of the row. */
function renderRow(state: TopState, row: string, paint: Paint): string[] {
  const fields = findTable(state.screen)?.detail(state, row) ?? null;
  if (fields === null) return [paint('  it is not there any more', 'dim')];
  return renderFields(fields, state.columns, paint);
}

function renderFooter(state: TopState, paint: Paint): string {
  const { mode, notice, columns } = state;
  const width = columns - 1;
  switch (mode.kind) {
    case 'filter':
      return ` ${fitText(`/${mode.text}_`, width)}`;
    case 'command':
      return ` ${fitText(`:${mode.text}_`, width)}`;
    case 'confirm':
      return ` ${paint(fitText(`${questionOf(mode.action)} [y/N]`, width), 'warn')}`;
    case 'help':
    case 'detail':
    case 'browse':
      if (notice !== null) return ` ${paint(fitText(notice.text, width), notice.tone)}`;
      return ` ${paint(fitText(hintOf(state), width), 'dim')}`;
  }
}

const ACTION_HINTS: Readonly<Partial<Record<ScreenName, string>>> = {
  backends: 'x drain  u resume  ',
  keys: 'x suspend  u resume  ',
  requests: 'x cancel  ',
};

function hintOf({ screen, mode, tables }: TopState): string {
  if (mode.kind === 'help') return 'Esc back  q quit';
  const actions = ACTION_HINTS[screen] ?? '';
  if (mode.kind === 'detail') return `Esc back  ${actions}j k scroll  q quit`;
  if (screen === 'overview') return '? help  1-9 screens  : command  p pause  + - interval  q quit';
  const { filter } = tables[screen];
  const shown = filter === '' ? '/ filter' : `/${filter} (Esc shows all)`;
  return `? help  Enter detail  ${actions}${shown}  s sort  r reverse  q quit`;
}
