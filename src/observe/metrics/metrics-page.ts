import { CONTENT_TYPES, Exposition, type ExpositionFormat } from './exposition.ts';

/** What a scrape is answered with. */
export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/** A page this young is given again: however often it is asked for, the request path pays the same. */
const FRESH_MS = 200;

/**
 * Renders pages on demand. `accept` is the header of the scrape, null without one; what is made of
 * `write` is kept for 200 ms, for each format.
 */
export function createMetricsPage(
  write: (out: Exposition) => void,
  monotonicMs: () => number,
): (accept: string | null) => MetricsPage {
  const kept = new Map<ExpositionFormat, { readonly page: MetricsPage; readonly atMs: number }>();
  return (accept) => {
    const format = chooseFormat(accept);
    const nowMs = monotonicMs();
    const last = kept.get(format);
    if (last !== undefined && nowMs - last.atMs < FRESH_MS) return last.page;
    const out = new Exposition(format);
    write(out);
    const page = { contentType: CONTENT_TYPES[format], body: out.end() };
    kept.set(format, { page, atMs: nowMs });
    return page;
  };
}

/**
 * OpenMetrics for who names it without refusing it. Prometheus' own weights are not compared: it
 * takes both, and whoever lists neither reads text.
 */
function chooseFormat(accept: string | null): ExpositionFormat {
  const wanted = accept
    ?.split(',')
    .find((range) => /^\s*application\/openmetrics-text\b/i.test(range));
  if (wanted === undefined || /;\s*q=0(?:\.0*)?\s*(?:;|$)/i.test(wanted)) return 'text';
  return 'openmetrics';
}
