import type { RunInProgress } from '../bench/bench-lab.ts';
import type { CliIo } from './io.ts';

export interface BenchProgress {
  show(run: RunInProgress): void;
  /** Takes the line away, so that what is printed next starts on a clean one. */
  clear(): void;
}

/** One line on stderr, written over once a second; nothing where that is no terminal. */
export function createProgress(io: Pick<CliIo, 'err' | 'stderrIsTty' | 'columns'>): BenchProgress {
  if (io.stderrIsTty !== true) return { show: () => {}, clear: () => {} };
  let isShown = false;
  return {
    show(run) {
      isShown = true;
      io.err(`\r\x1b[K${renderProgress(run).slice(0, Math.max(0, io.columns - 1))}`);
    },
    clear() {
      if (isShown) io.err('\r\x1b[K');
      isShown = false;
    },
  };
}

/** ASCII only, so that it can be cut to the width of the terminal. */
export function renderProgress({ name, measurement, count, durationMs }: RunInProgress): string {
  const { sent, completed, faults, inFlight, series, histograms } = measurement;
  const done = completed + faults.total + measurement.cancelled;
  const point = series.points.at(-2) ?? series.points.at(-1);
  const rate = (point?.completed ?? 0) / series.widthS;
  const ttft = histograms.ttft.percentile(50) ?? histograms.e2el.percentile(50);
  const goal =
    count !== null
      ? `${done}/${count}`
      : durationMs !== null
        ? `${done} done, ${Math.round((series.points.length * series.widthS * 100_000) / durationMs)} %`
        : `${done} done`;
  const words = [
    `${name}: ${goal}`,
    `${rate.toFixed(rate < 10 ? 1 : 0)} requests/s`,
    `${inFlight} in flight`,
    `${faults.total} failed`,
    ...(ttft === null ? [] : [`${histograms.ttft.count > 0 ? 'TTFT' : 'E2EL'} ${formatMs(ttft)}`]),
  ];
  return sent === 0 ? `${name}: waiting` : words.join('  ');
}

/** Three digits, microseconds at the finest: more are noise, and fewer hide differences. */
export function formatMs(ms: number | null): string {
  if (ms === null) return '-';
  if (ms >= 10_000) return `${(ms / 1_000).toPrecision(3)} s`;
  const digits = ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3;
  return `${ms.toFixed(digits)} ms`;
}
