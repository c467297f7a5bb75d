import type { Database } from './sqlite.ts';
import { BUCKETS_PER_DOUBLING, TtftHistogram } from './ttft-histogram.ts';

/** The bucket of `ttft_us` of `requests r`; NULL for a request without one. */
export const TTFT_BUCKET = `CAST(log2(max(1, r.ttft_us)) * ${BUCKETS_PER_DOUBLING} AS INTEGER)`;

/** The stored form of a text that `addText` of a histogram takes. */
export function storedTtft(text: string): string {
  const isOne = `instr(${text}, ',') = 0 AND instr(${text}, '{') = 0`;
  return `CASE WHEN ${text} IS NULL THEN NULL WHEN ${isOne} THEN '{"' || ${text} || '":1}'
    ELSE add_ttft(NULL, ${text}) END`;
}

/**
 * Two functions in SQL, once per connection: `merge_ttft(ttft)` joins the histograms of a group,
 * `add_ttft(ttft, ttft)` two; both take what `addText` of a histogram does.
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
      if (typeof text === 'string') histogram.addText(text);
    },
    result: render,
  });
  db.function('add_ttft', { deterministic: true }, (stored: unknown, more: unknown) => {
    const histogram = take();
    if (typeof stored === 'string') histogram.addText(stored);
    if (typeof more === 'string') histogram.addText(more);
    return render(histogram);
  });
}
