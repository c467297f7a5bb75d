/** One metric as it is published. `help` is one sentence; names carry the unit. */
export interface MetricInfo {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** A number that only grows until the gateway ends. */
export function counter(name: string, labels: readonly string[], help: string): MetricInfo {
  return { name, kind: 'counter', labels, help };
}

export function gauge(name: string, labels: readonly string[], help: string): MetricInfo {
  return { name, kind: 'gauge', labels, help };
}

export function histogram(name: string, labels: readonly string[], help: string): MetricInfo {
  return { name, kind: 'histogram', labels, help };
}
