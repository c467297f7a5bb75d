import type { GatewayStatus } from '../admin/gateway-schemas.ts';
import { nanoUsd, toUsdString } from '../core/money.ts';
import type { Gate } from '../gateway/gate.ts';
import type { SinkStats } from '../sinks/pump.ts';
import type { Records } from './records.ts';
import type { Retention, RetentionStats } from './retention.ts';

/** What only the running gateway knows, in one document. */
export function gatewayStatus(
  gate: Gate,
  { records, retention }: { readonly records: Records; readonly retention: Retention },
  fixed: Pick<GatewayStatus, 'version' | 'started_at' | 'config_file' | 'listen'>,
): GatewayStatus {
  const ledger = records.store.ledger.stats();
  const budgets = gate.budgets.stats();
  const content = records.content.stats();
  const { exports, alerts } = records.copies.stats();
  return {
    ...fixed,
    generation: gate.generation.number,
    draining: gate.draining,
    in_flight: gate.inFlight.size,
    requests: gate.counters.requests,
    unauthenticated: gate.counters.unauthenticated,
    clamped_usages: gate.counters.clampedUsages,
    unrecorded: gate.counters.unrecorded,
    tags_left_out: gate.requestTags.leftOut,
    ledger: {
      commits: ledger.commits,
      rows_opened: ledger.rowsOpened,
      rows_settled: ledger.rowsSettled,
      queued: ledger.queued,
      unwritten: ledger.unwritten,
      dropped: ledger.dropped,
    },
    budgets: {
      refused: budgets.refused,
      holds: budgets.holds,
      held_usd: toUsdString(nanoUsd(budgets.heldNanoUsd)),
      overruns: budgets.overruns,
      overrun_usd: toUsdString(nanoUsd(budgets.overrunNanoUsd)),
    },
    audit: records.keeper.counters(),
    content: {
      kept: content.kept,
      lost: content.lost,
      failing: records.keepsContent && records.content.isFailing,
    },
    retention: toRetentionView(retention.stats()),
    exports: exports.sinks.map(toSinkView),
    alerts:
      alerts === null
        ? null
        : { delivered: alerts.delivered, failed: alerts.failed, given_up: alerts.givenUp },
  };
}

function toRetentionView(stats: RetentionStats): GatewayStatus['retention'] {
  const { rows, runs, lastRunAtMs, failures, isFailing, waitMs } = stats;
  return {
    purged_rows: rows,
    runs,
    last_run_at: lastRunAtMs === null ? null : new Date(lastRunAtMs).toISOString(),
    failures,
    failing: isFailing,
    waits_ms: Math.round(waitMs),
  };
}

function toSinkView(sink: SinkStats): GatewayStatus['exports'][number] {
  const since = sink.failingSinceMs;
  return {
    id: sink.id,
    rows: sink.rows,
    lag_rows: sink.lagRows,
    failures: sink.failures,
    failing_since: since === null ? null : new Date(since).toISOString(),
    last_failure: sink.lastFailure,
  };
}
