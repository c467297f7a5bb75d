import { NANO_PER_USD } from '../../core/money.ts';
import { type Exposition, renderLabels } from '../../observe/metrics/exposition.ts';
import { RECORDS_METRICS as RECORDS } from '../../observe/metrics/records-table.ts';
import type { BudgetStats } from '../../pricing/budgets.ts';
import type { AlertStats } from '../../sinks/alert-deliverer.ts';
import type { SinkStats } from '../../sinks/pump.ts';
import type { ContentStats } from '../../store/content/content-store.ts';
import type { LedgerStats } from '../../store/store.ts';
import type { AuditCounters } from '../audit-keeper.ts';
import type { RetentionStats } from '../retention.ts';
import { writeSamples } from './write-samples.ts';

/** Where figures of what is written down come from. */
export interface RecordSources {
  readonly ledger: () => LedgerStats;
  readonly budgets: () => BudgetStats;
  readonly audit: () => AuditCounters;
  readonly content: () => Pick<ContentStats, 'kept' | 'lost' | 'isFailing'>;
  readonly exports: () => readonly SinkFigures[];
  readonly retention: () => RetentionStats;
  /** Of budgets; null without a webhook. */
  readonly budgetAlerts: () => AlertStats | null;
  /** Of troubles; null without a webhook. */
  readonly troubleAlerts: () => AlertStats | null;
}

type SinkFigures = Pick<SinkStats, 'id' | 'rows' | 'lagRows' | 'failures' | 'failingSinceMs'>;

export function writeRecords(out: Exposition, sources: RecordSources, nowMs: number): void {
  writeLedger(out, sources.ledger());
  writeBudgets(out, sources.budgets());
  const audit = sources.audit();
  out.one(RECORDS.auditFailures, audit.failures);
  out.one(RECORDS.checkpoints, audit.checkpoints);
  const content = sources.content();
  out.one(RECORDS.contentKept, content.kept);
  writeSamples(out, RECORDS.contentLost, Object.entries(content.lost), ([reason, count]) => {
    return [[reason], count];
  });
  out.one(RECORDS.contentFailing, Number(content.isFailing));
  writeExports(out, sources.exports(), nowMs);
  const retention = sources.retention();
  out.one(RECORDS.retentionRows, retention.rows);
  out.one(RECORDS.retentionRuns, retention.runs);
  const lastRunMs = retention.lastRunAtMs;
  out.one(RECORDS.retentionLast, lastRunMs === null ? null : lastRunMs / 1_000);
  out.one(RECORDS.retentionFailures, retention.failures);
  out.begin(RECORDS.alertsSent);
  writeAlerts(out, 'budget', sources.budgetAlerts());
  writeAlerts(out, 'trouble', sources.troubleAlerts());
}

function writeLedger(out: Exposition, ledger: LedgerStats): void {
  out.one(RECORDS.commits, ledger.commits);
  out.one(RECORDS.opened, ledger.rowsOpened);
  out.one(RECORDS.settled, ledger.rowsSettled);
  out.one(RECORDS.queued, ledger.queued);
  out.one(RECORDS.unwritten, ledger.unwritten);
  out.one(RECORDS.dropped, ledger.dropped);
}

function writeBudgets(out: Exposition, budgets: BudgetStats): void {
  out.one(RECORDS.budgetRefused, budgets.refused);
  out.one(RECORDS.budgetHolds, budgets.holds);
  out.one(RECORDS.budgetHeld, budgets.heldNanoUsd / NANO_PER_USD);
  out.one(RECORDS.budgetHeldTokens, budgets.heldTokens);
  out.one(RECORDS.budgetOverruns, budgets.overruns);
  out.one(RECORDS.budgetOverrun, budgets.overrunNanoUsd / NANO_PER_USD);
  out.one(RECORDS.budgetSubjects, budgets.purses);
}

function writeExports(out: Exposition, sinks: readonly SinkFigures[], nowMs: number): void {
  writeSamples(out, RECORDS.exportRows, sinks, ({ id, rows }) => [[id], rows]);
  writeSamples(out, RECORDS.exportLag, sinks, ({ id, lagRows }) => [[id], lagRows]);
  writeSamples(out, RECORDS.exportFailures, sinks, ({ id, failures }) => [[id], failures]);
  writeSamples(out, RECORDS.exportFailing, sinks, ({ id, failingSinceMs }) => {
    return [[id], failingSinceMs === null ? 0 : Math.max(0, nowMs - failingSinceMs) / 1_000];
  });
}

function writeAlerts(out: Exposition, kind: string, stats: AlertStats | null): void {
  if (stats === null) return;
  const { delivered, failed, givenUp } = stats;
  for (const [result, count] of Object.entries({ delivered, failed, given_up: givenUp })) {
    out.sample(renderLabels(RECORDS.alertsSent.labels, [kind, result]), count);
  }
}
