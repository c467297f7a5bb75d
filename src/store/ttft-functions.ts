import type { Database } from './sqlite.ts';
import { BUCKETS_PER_DOUBLING, TtftHistogram } from './ttft-histogram.ts';

/** The bucket of `ttft_us` of `requests r`; NULL for a request without one. */
export const TTFT_BUCKET = `CAST(log2(max(1, r.ttft_us)) * ${BUCKETS_PER_DOUBLING} AS INTEGER)`;

/**
 * Two functions in SQL, once per connection: `merge_ttft(ttft)` joins the histograms of a group,
 * `add_ttft(ttft, more)` adds samples, given as `81,92,81`, or another histogram to one.
 */
export function registerTtftFunctions(db: Database): void {
  const spare: TtftHistogram[] = [];
  const take = () => spare.pop() ?? new TtftHistogram();
  const render = (histogram: TtftHistogram) => {
    const text = histogram.render();
    histogram.clear();
    spare.push(histogram);
    return text;
  };
  db.aggregate<TtftHistogram>('merge_ttft', {
    deterministic: true,
    start: take,
    step(histogram, text: unknown) {
      if (typeof text === 'string') histogram.addStored(text);
    },
    result: render,
  });
  db.function('add_ttft', { deterministic: true }, (stored: unknown, more: unknown) => {
    const histogram = take();
    if (typeof stored === 'string') histogram.addStored(stored);
    if (typeof more === 'string') {
      if (more.startsWith('{')) histogram.addStored(more);
      else for (const bucket of more.split(',')) histogram.add(Number(bucket), 1);
    }
    return render(histogram);
  });
}
