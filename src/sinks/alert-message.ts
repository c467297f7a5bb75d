import { createHash } from 'node:crypto';
import { nanoUsd, toUsdString } from '../core/money.ts';

/** A threshold that a budget has reached, as the books keep it. */
export interface Alert {
  readonly per: string;
  /** The id of the key, the name of the user, team, tenant or model; empty for `all`. */
  readonly subject: string;
  readonly measure: 'usd' | 'tokens';
  readonly window: string;
  readonly windowStartMs: number;
  /** Percent of the limit. */
  readonly threshold: number;
  /** Nano-dollars or tokens. */
  readonly limit: number;
  readonly spent: number;
  readonly atMs: number;
}

/** The webhook of one alert. The same alert always has the same id, so that a receiver can tell. */
export function toAlertMessage(alert: Alert, installId: string): { id: string; body: string } {
  const { per, subject, measure, window, windowStartMs, threshold, limit, spent, atMs } = alert;
  const identity = [installId, per, subject, measure, window, windowStartMs, threshold];
  const digest = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
  const amounts =
    measure === 'usd'
      ? { limit_usd: toUsdString(nanoUsd(limit)), spent_usd: toUsdString(nanoUsd(spent)) }
      : { limit_tokens: limit, spent_tokens: spent };
  const body = JSON.stringify({
    type: 'budget.threshold',
    timestamp: new Date(atMs).toISOString(),
    data: {
      install: installId,
      per,
      subject,
      measure,
      window,
      window_start: new Date(windowStartMs).toISOString(),
      threshold_percent: threshold,
      ...amounts,
    },
  });
  return { id: `alert_${digest.slice(0, 32)}`, body };
}
