import type { LiveModel } from '../../observe/live-document.ts';
import { renderCount, renderMs, renderPart, renderRate, renderUsd } from '../figures.ts';
import { findBase, type Rates, rowRates } from '../history.ts';
import { countsBetween, quantileOf } from '../quantile.ts';
import type { TopState } from '../state.ts';
import { createTableScreen } from '../table-screen.ts';

interface ModelRow {
  readonly model: LiveModel;
  readonly rates: Rates | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

const NOTHING_COUNTED: readonly number[] = [];

/** Models with what went on in the last ten seconds. */
export function listModels({ document, history }: TopState): ModelRow[] {
  if (document === null || history === null) return [];
  const base = findBase(history);
  const before = new Map(base?.models.map((model) => [model.name, model]));
  const elapsedMs = base === undefined ? 0 : document.uptime_ms - base.uptimeMs;
  const bounds = document.ttft.bounds_ms;
  return document.models.map((model) => {
    const old = before.get(model.name);
    const counts = countsBetween(old?.ttft_counts ?? NOTHING_COUNTED, model.ttft_counts);
    return {
      model,
      rates: rowRates(model, old, elapsedMs),
      p50Ms: quantileOf(bounds, counts, 0.5),
      p95Ms: quantileOf(bounds, counts, 0.95),
    };
  });
}

function errorPart(rates: Rates | null): number | null {
  if (rates === null || rates.requestsPerSecond === 0) return null;
  return rates.errorsPerSecond / rates.requestsPerSecond;
}

export const modelsScreen = createTableScreen<ModelRow>('models', {
  empty: () => 'no models yet',
  columns: [
    { title: 'MODEL', width: 'fill', text: ({ model }) => model.name },
    {
      ...{ title: 'REQ/S', width: 6, align: 'right' },
      text: ({ rates }) => renderRate(rates?.requestsPerSecond ?? null),
      value: ({ rates, model }) => rates?.requestsPerSecond ?? model.requests,
    },
    {
      ...{ title: 'ERR', width: 5, align: 'right' },
      text: ({ rates }) => renderPart(errorPart(rates)),
      value: ({ rates }) => errorPart(rates),
      tone: ({ rates }) => ((errorPart(rates) ?? 0) >= 0.05 ? 'bad' : 'plain'),
    },
    {
      ...{ title: 'IN/S', width: 6, align: 'right' },
      text: ({ rates }) => renderRate(rates?.inputPerSecond ?? null),
      value: ({ rates }) => rates?.inputPerSecond ?? null,
    },
    {
      ...{ title: 'OUT/S', width: 6, align: 'right' },
      text: ({ rates }) => renderRate(rates?.outputPerSecond ?? null),
      value: ({ rates }) => rates?.outputPerSecond ?? null,
    },
    {
      ...{ title: 'P50', width: 7, align: 'right', from: 90 },
      text: ({ p50Ms }) => renderMs(p50Ms),
      value: ({ p50Ms }) => p50Ms,
    },
    {
      ...{ title: 'P95', width: 7, align: 'right' },
      text: ({ p95Ms }) => renderMs(p95Ms),
      value: ({ p95Ms }) => p95Ms,
    },
    {
      ...{ title: 'BUSY', width: 5, align: 'right' },
      text: ({ model }) => renderCount(model.in_flight),
      value: ({ model }) => model.in_flight,
    },
    {
      ...{ title: 'QUEUE', width: 6, align: 'right' },
      text: ({ model }) => renderCount(model.queued),
      value: ({ model }) => model.queued,
      tone: ({ model }) => (model.queued > 0 ? 'warn' : 'plain'),
    },
    {
      ...{ title: '$/H', width: 7, align: 'right' },
      text: ({ rates }) => renderUsd(rates?.usdPerHour ?? null),
      value: ({ rates }) => rates?.usdPerHour ?? null,
    },
    {
      ...{ title: 'BACKENDS', width: 'fill', from: 110 },
      text: ({ model }) => model.targets.join(', '),
    },
  ],
  rows: listModels,
  id: ({ model }) => model.name,
  search: ({ model }) => `${model.name} ${model.targets.join(' ')}`,
  detail: ({ model, rates, p50Ms, p95Ms }) => [
    ['model', model.name],
    ['backends', model.targets.join(', ') || 'none'],
    ['requests', `${model.requests} since the start, ${model.errors} with an error`],
    ['requests/s', renderRate(rates?.requestsPerSecond ?? null)],
    ['tokens', `${model.input_tokens} in, ${model.output_tokens} out`],
    [
      'tokens/s',
      `${renderRate(rates?.inputPerSecond ?? null)} in, ${renderRate(rates?.outputPerSecond ?? null)} out`,
    ],
    ['first token', `${renderMs(p50Ms)} at the median, ${renderMs(p95Ms)} at p95`],
    ['in flight', String(model.in_flight)],
    ['queue', `${model.queued}, the oldest for ${renderMs(model.oldest_wait_ms)}`],
    [
      'cost',
      `$${model.cost_usd} since the start, ${renderUsd(rates?.usdPerHour ?? null)} an hour now`,
    ],
  ],
});
