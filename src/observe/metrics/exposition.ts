import type { MetricInfo } from './metric-info.ts';

/** Prometheus' text format 0.0.4, or OpenMetrics 1.0. */
export type ExpositionFormat = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/**
 * The text that a scrape is answered with. A metric begins with its HELP and TYPE, also when it has
 * no sample now: a dashboard can then tell a quiet metric from a misspelt one.
 */
export class Exposition {
  readonly format: ExpositionFormat;
  #text = '';
  #name = '';

  constructor(format: ExpositionFormat) {
    this.format = format;
  }

  /** The samples that follow, up to the next `begin`, are of this metric. */
  begin({ name, kind, help }: MetricInfo): void {
    this.#name = name;
    // OpenMetrics names a family of counters without the ending that its samples have.
    const isBare = this.format === 'openmetrics' && kind === 'counter';
    const family = isBare ? name.replace(/_total$/, '') : name;
    this.#text += `# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${kind}\n`;
  }

  /** `labels` as `renderLabels` makes them. */
  sample(labels: string, value: number): void {
    this.#text += `${this.#name + labels} ${renderNumber(value)}\n`;
  }

  /** Whole lines, for who keeps parts of them. */
  lines(text: string): void {
    this.#text += text;
  }

  /** A metric without labels. */
  one(metric: MetricInfo, value: number | null): void {
    this.begin(metric);
    if (value !== null) this.sample('', value);
  }

  end(): string {
    return this.format === 'openmetrics' ? `${this.#text}# EOF\n` : this.#text;
  }
}

/** `{model="small",outcome="served"}`; nothing for no labels. */
export function renderLabels(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  const pairs = names.map((name, index) => `${name}="${escapeValue(values[index] ?? '')}"`);
  return `{${pairs.join(',')}}`;
}

/** Go's floats, which both formats use, and JavaScript's differ in their infinities only. */
export function renderNumber(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

/** OpenMetrics wants `1.0` for the bound 1, and in the older format it may be written so. */
export function renderBound(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : renderNumber(bound);
}

/** Names of models come from backends and may hold anything, also half a surrogate pair. */
function escapeValue(value: string): string {
  if (/^[\w./:@+-]*$/.test(value)) return value;
  return escapeHelp(value.toWellFormed()).replaceAll('"', '\\"');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
