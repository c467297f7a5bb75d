import { findTpot } from './measurement.ts';
import { round } from './run-figures.ts';
import type { Shot, ShotEnd } from './shot.ts';

/** One request for `--details`. Milliseconds; null is a time it does not have. */
export interface Detail {
  readonly run: string;
  readonly index: number;
  readonly outcome: ShotEnd['kind'];
  readonly error: string | null;
  readonly client_queue_time_ms: number;
  readonly ttft_ms: number | null;
  readonly tpot_ms: number | null;
  readonly e2el_ms: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
}

export function toDetail(run: string, shot: Shot, end: ShotEnd): Detail {
  const { index, intendedMs } = shot.plan;
  const tokens = end.kind === 'completed' ? end.tokens : null;
  return {
    run,
    index,
    outcome: end.kind,
    error: end.kind === 'failed' ? end.fault.class : null,
    client_queue_time_ms: round(shot.sentMs - intendedMs),
    ttft_ms: shot.firstMs === null ? null : round(shot.firstMs - intendedMs),
    tpot_ms: tokens === null ? null : round(findTpot(shot, tokens.output)),
    e2el_ms: round(shot.endMs - intendedMs),
    input_tokens: tokens?.input ?? null,
    output_tokens: tokens?.output ?? null,
  };
}
