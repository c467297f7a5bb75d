import { counter, gauge } from './metric-info.ts';

/** Books, budgets, trail and content. */
export const RECORDS_METRICS = {
  commits: counter('llmgate_ledger_commits_total', [], 'Transactions of the books.'),
  opened: counter('llmgate_ledger_rows_opened_total', [], 'Requests put on record at their begin.'),
  settled: counter('llmgate_ledger_rows_settled_total', [], 'Requests put on record at their end.'),
  queued: gauge('llmgate_ledger_queued', [], 'Rows that wait for the next commit.'),
  unwritten: gauge(
    'llmgate_ledger_unwritten',
    [],
    'Settled requests that the store refused and that are tried again.',
  ),
  dropped: counter(
    'llmgate_ledger_dropped_total',
    [],
    'Settled requests given up on; not zero means that the books are short.',
  ),
  budgetRefused: counter(
    'llmgate_budget_refused_total',
    [],
    'Requests refused because a budget could not hold them.',
  ),
  budgetHolds: gauge('llmgate_budget_holds', [], 'Requests with money or tokens set aside.'),
  budgetHeld: gauge('llmgate_budget_held_usd', [], 'US dollars set aside for running requests.'),
  budgetHeldTokens: gauge('llmgate_budget_held_tokens', [], 'Tokens set aside.'),
  budgetOverruns: counter(
    'llmgate_budget_overruns_total',
    [],
    'Requests that cost or used more than was held for them.',
  ),
  budgetOverrun: counter(
    'llmgate_budget_overrun_usd_total',
    [],
    'US dollars that requests cost beyond what was held for them.',
  ),
  budgetSubjects: gauge('llmgate_budget_subjects', [], 'Keys, users and so on that are followed.'),
  auditFailures: counter(
    'llmgate_audit_failures_total',
    [],
    'Events and checkpoints of the audit trail that the store refused.',
  ),
  checkpoints: counter('llmgate_audit_checkpoints_total', [], 'Signed checkpoints of the trail.'),
  contentKept: counter('llmgate_content_kept_total', [], 'Requests whose content was kept.'),
  contentLost: counter(
    'llmgate_content_lost_total',
    ['reason'],
    'Requests whose content should have been kept and was not.',
  ),
  contentFailing: gauge('llmgate_content_failing', [], '1 while content would be lost.'),
  exportRows: counter('llmgate_export_rows_total', ['sink'], 'Rows of the trail that a sink took.'),
  exportLag: gauge(
    'llmgate_export_lag_rows',
    ['sink'],
    'Rows of the trail that a sink does not have yet.',
  ),
  exportFailures: counter(
    'llmgate_export_failures_total',
    ['sink'],
    'Reads and writes of an export that failed.',
  ),
  exportFailing: gauge(
    'llmgate_export_failing_seconds',
    ['sink'],
    'For how long a sink has been failing; 0 while all is well.',
  ),
  retentionRows: counter('llmgate_retention_rows_total', [], 'Rows removed for their age.'),
  retentionRuns: counter('llmgate_retention_runs_total', [], 'Runs of the retention.'),
  retentionLast: gauge(
    'llmgate_retention_last_run_seconds',
    [],
    'When the retention last ran, in seconds since the epoch.',
  ),
  retentionFailures: counter('llmgate_retention_failures_total', [], 'Runs that failed.'),
  alertsSent: counter(
    'llmgate_alerts_total',
    ['kind', 'result'],
    'Alerts to the webhook: of budgets and of troubles; delivered, failed attempts, given up.',
  ),
};
