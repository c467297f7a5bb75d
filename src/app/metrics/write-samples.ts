import { type Exposition, renderLabels } from '../../observe/metrics/exposition.ts';
import type { MetricInfo } from '../../observe/metrics/metric-info.ts';

/** One metric over many things: `labels` in the order of the metric, null leaves a sample out. */
export function writeSamples<T>(
  out: Exposition,
  metric: MetricInfo,
  items: Iterable<T>,
  read: (item: T) => readonly [labels: readonly string[], value: number | null],
): void {
  out.begin(metric);
  for (const item of items) {
    const [labels, value] = read(item);
    if (value !== null) out.sample(renderLabels(metric.labels, labels), value);
  }
}

/** 1 for the state that a thing is in and 0 for the others, so that a graph shows the change. */
export function writeStates(
  out: Exposition,
  metric: MetricInfo,
  states: readonly string[],
  items: readonly (readonly [name: string, state: string])[],
): void {
  out.begin(metric);
  for (const [name, current] of items) {
    for (const state of states) {
      out.sample(renderLabels(metric.labels, [name, state]), state === current ? 1 : 0);
    }
  }
}
