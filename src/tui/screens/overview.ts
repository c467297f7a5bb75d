import type { LiveDocument } from '../../observe/live-document.ts';
import { fitText, renderCell } from '../cell-text.ts';
import {
  renderBytes,
  renderCount,
  renderMs,
  renderPart,
  renderRate,
  renderUsd,
  UNKNOWN,
} from '../figures.ts';
import { type History, type Point, quantilesOf, ratesOf, recentErrors } from '../history.ts';
import type { Paint, Tone } from '../paint.ts';
import { renderSparkline } from '../sparkline.ts';
import type { TopState } from '../state.ts';
import { stateOf } from './backends.ts';
import { listModels } from './models.ts';

const NAME_WIDTH = 16;
const FIGURE_WIDTH = 10;
/** What is left of a line for a sparkline: margin, name, figure and gaps. */
const CURVE_AT = 2 + NAME_WIDTH + FIGURE_WIDTH + 2;

/** Everything at a glance; exactly `height` lines. */
export function renderOverview(state: TopState, height: number, paint: Paint): string[] {
  const { document, history, columns } = state;
  if (document === null || history === null) return fill([], height);
  const traffic = renderTraffic(document, history, columns, paint);
  const latency = renderLatency(document, history, paint);
  const below = sideBySide(
    renderErrors(document, history, paint),
    renderBusiest(state, paint),
    columns,
  );
  return fill(
    [...traffic, '', ...latency, '', ...below, '', ...renderBox(document, columns)],
    height,
  );
}

function fill(lines: string[], height: number): string[] {
  while (lines.length < height) lines.push('');
  return lines.slice(0, height);
}

function renderTraffic(
  { gateway }: LiveDocument,
  history: History,
  columns: number,
  paint: Paint,
): string[] {
  const rates = ratesOf(history);
  const minutes = Math.round(((columns - CURVE_AT) * 5) / 60);
  const line = (
    name: string,
    figure: string,
    pick: (point: Point) => number | null,
    tone: Tone = 'plain',
  ) => {
    const curve = renderSparkline(history.points.map(pick), Math.max(0, columns - CURVE_AT));
    const cell = renderCell(figure, { width: FIGURE_WIDTH, align: 'right' });
    return `  ${renderCell(name, { width: NAME_WIDTH })}${paint(cell, tone)}  ${paint(curve, 'good')}`;
  };
  const errors = rates?.errorsPerSecond ?? null;
  return [
    `  ${paint('TRAFFIC', 'title')}${' '.repeat(NAME_WIDTH - 7 + FIGURE_WIDTH - 3)}now  ` +
      paint(`the last ${minutes} minutes`, 'dim'),
    line('requests/s', renderRate(rates?.requestsPerSecond ?? null), (p) => p.requestsPerSecond),
    line(
      'errors/s',
      renderRate(errors),
      (p) => p.errorsPerSecond,
      (errors ?? 0) > 0 ? 'warn' : 'plain',
    ),
    line('tokens in/s', renderRate(rates?.inputPerSecond ?? null), (p) => p.inputPerSecond),
    line('tokens out/s', renderRate(rates?.outputPerSecond ?? null), (p) => p.outputPerSecond),
    line('cost/hour', renderUsd(rates?.usdPerHour ?? null), (p) => p.usdPerHour),
    line('in flight', renderCount(gateway.in_flight), (p) => p.inFlight),
    line(
      'queue',
      renderCount(gateway.queued),
      (p) => p.queued,
      gateway.queued > 0 ? 'warn' : 'plain',
    ),
    line('first token p95', renderMs(history.points.at(-1)?.ttftP95Ms ?? null), (p) => p.ttftP95Ms),
  ];
}

function renderLatency({ ttft, itl }: LiveDocument, history: History, paint: Paint): string[] {
  const cells = (texts: readonly string[]) =>
    texts.map((text) => renderCell(text, { width: FIGURE_WIDTH, align: 'right' })).join('');
  const line = (name: string, which: 'ttft' | 'itl', bounds: readonly number[]) => {
    const { p50, p90, p95, p99 } = quantilesOf(history, which, bounds);
    return `  ${renderCell(name, { width: NAME_WIDTH })}${cells([p50, p90, p95, p99].map(renderMs))}`;
  };
  return [
    `  ${paint('LATENCY', 'title')}${' '.repeat(NAME_WIDTH - 7)}${cells(['p50', 'p90', 'p95', 'p99'])}` +
      paint('  of the last minute', 'dim'),
    line('first token', 'ttft', ttft.bounds_ms),
    line('between tokens', 'itl', itl.bounds_ms),
  ];
}

const LISTED = 4;

function renderErrors({ totals }: LiveDocument, history: History, paint: Paint): string[] {
  const errors = recentErrors(history);
  const rest = errors.slice(LISTED).reduce((sum, [, count]) => sum + count, 0);
  return [
    `${paint('ERRORS', 'title')} ${paint('of the last minute', 'dim')}`,
    ...errors.slice(0, LISTED).map(([code, count]) => {
      const figure = renderCell(renderCount(count), { width: 6, align: 'right' });
      return `${figure}  ${paint(fitText(code, 24), 'bad')}`;
    }),
    ...(errors.length === 0 ? ['none'] : []),
    ...(rest > 0 ? [`${renderCell(renderCount(rest), { width: 6, align: 'right' })}  others`] : []),
    ...(totals.unauthenticated > 0
      ? [
          `${renderCell(renderCount(totals.unauthenticated), { width: 6, align: 'right' })}  without a key, in all`,
        ]
      : []),
  ];
}

function renderBusiest(state: TopState, paint: Paint): string[] {
  const busiest = listModels(state)
    .toSorted((a, b) => (b.rates?.requestsPerSecond ?? 0) - (a.rates?.requestsPerSecond ?? 0))
    .slice(0, LISTED);
  return [
    paint('BUSIEST MODELS', 'title'),
    ...busiest.map(({ model, rates }) => {
      const rate = `${renderRate(rates?.requestsPerSecond ?? null)}/s`;
      return `${renderCell(rate, { width: 8, align: 'right' })}  ${fitText(model.name, 26)}`;
    }),
  ];
}

/** Two lists next to each other; lines of both are already painted, so only the left is measured. */
function sideBySide(left: readonly string[], right: readonly string[], columns: number): string[] {
  const width = Math.max(34, Math.floor((columns - 2) / 2));
  const count = Math.max(left.length, right.length);
  return Array.from({ length: count }, (_, at) => {
    const text = left[at] ?? '';
    const room = ' '.repeat(Math.max(1, width - Bun.stringWidth(text)));
    return `  ${text}${room}${right[at] ?? ''}`;
  });
}

function renderBox({ backends, gpus }: LiveDocument, columns: number): string[] {
  const states = new Map<string, number>();
  for (const backend of backends) {
    states.set(stateOf(backend), (states.get(stateOf(backend)) ?? 0) + 1);
  }
  const counted = [...states].map(([state, count]) => `${count} ${state}`).join(', ');
  return [
    `  ${fitText(`backends  ${counted || 'none'}`, columns - 2)}`,
    ...(gpus.length === 0 ? [] : [`  ${fitText(`GPUs      ${describeGpus(gpus)}`, columns - 2)}`]),
  ];
}

function describeGpus(gpus: LiveDocument['gpus']): string {
  const known = gpus.map(({ utilisation }) => utilisation).filter((each) => each !== null);
  const busy = known.length === 0 ? null : sum(known) / known.length;
  const power = sum(gpus.map(({ power_w }) => power_w ?? 0));
  const used = sum(gpus.map(({ memory_used_bytes }) => memory_used_bytes ?? 0));
  const total = sum(gpus.map(({ memory_total_bytes }) => memory_total_bytes ?? 0));
  const watts = power === 0 ? UNKNOWN : `${renderCount(power)}W`;
  return `${gpus.length}, ${renderPart(busy)} busy, ${renderBytes(used)} of ${renderBytes(total)}, ${watts}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
