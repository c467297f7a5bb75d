import { GateError } from '../core/error.ts';
import type { Window } from '../core/key.ts';
import type { BudgetGrant, BudgetTarget, StoredBudget } from '../pricing/budget-target.ts';
import type { BudgetAlert, BudgetStore } from './budget-store.ts';
import { type Database, isBadRow, type SqlValue } from './sqlite.ts';

const TARGET = 'per = ? AND subject = ? AND measure = ? AND "window" = ?';

const SELECT_BUDGETS = `SELECT per, subject, measure, "window", amount AS "limit",
    created_at_ms AS createdAtMs
  FROM budgets ORDER BY per, subject, measure, "window"`;

const UPSERT_BUDGET = `INSERT INTO budgets (per, subject, measure, "window", amount, created_at_ms)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET amount = excluded.amount, created_at_ms = excluded.created_at_ms`;

const SELECT_GRANTS = `SELECT id, per, subject, measure, "window", kind, amount,
    window_start_ms AS windowStartMs, until_ms AS untilMs, created_at_ms AS createdAtMs
  FROM budget_grants ORDER BY id`;

const INSERT_GRANT = `INSERT INTO budget_grants
  (per, subject, measure, "window", kind, amount, window_start_ms, until_ms, created_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const INSERT_ALERT = `INSERT INTO budget_alerts
  (per, subject, measure, "window", window_start_ms, threshold, "limit", spent, at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

const SELECT_UNDELIVERED = `SELECT per, subject, measure, "window",
    window_start_ms AS windowStartMs, threshold, "limit", spent, at_ms AS atMs
  FROM budget_alerts WHERE delivered_at_ms IS NULL ORDER BY at_ms, threshold LIMIT ?`;

const MARK_DELIVERED = `UPDATE budget_alerts SET delivered_at_ms = ?
  WHERE ${TARGET} AND window_start_ms = ? AND threshold = ?`;

const DAY_MS = 86_400_000;

/** The longest that a window can run in any zone, with a day to spare. */
const LONGEST_MS: Readonly<Record<Window, number>> = {
  hour: DAY_MS,
  day: 3 * DAY_MS,
  week: 9 * DAY_MS,
  month: 33 * DAY_MS,
  total: Number.POSITIVE_INFINITY,
};

/** An alert that nobody took for so long is of no use to anybody. */
const ALERT_KEPT_MS = 31 * DAY_MS;

/**
 * Budgets made by commands, what was granted on top of budgets, and alerts. What is over is removed
 * when something new is written of the same budget, so that the tables do not grow with time: the
 * audit trail is what remembers. Writes throw `store_unavailable` when the store takes none.
 */
export function openBudgetStore(db: Database): BudgetStore {
  const selectBudgets = db.prepare<[], StoredBudget>(SELECT_BUDGETS);
  const upsertBudget = db.prepare<SqlValue[]>(UPSERT_BUDGET);
  const deleteBudget = db.prepare<SqlValue[]>(`DELETE FROM budgets WHERE ${TARGET}`);
  const selectGrants = db.prepare<[], BudgetGrant>(SELECT_GRANTS);
  const insertGrant = db.prepare<SqlValue[]>(INSERT_GRANT);
  const deleteGrant = db.prepare<[number]>('DELETE FROM budget_grants WHERE id = ?');
  const insertAlert = db.prepare<SqlValue[]>(INSERT_ALERT);
  const deleteOldAlerts = db.prepare<SqlValue[]>(
    `DELETE FROM budget_alerts WHERE ${TARGET} AND window_start_ms < ?
       AND (delivered_at_ms IS NOT NULL OR at_ms < ?)`,
  );
  const selectUndelivered = db.prepare<[number], BudgetAlert>(SELECT_UNDELIVERED);
  const markDelivered = db.prepare<SqlValue[]>(MARK_DELIVERED);

  const addGrant = db.transaction((grant: Omit<BudgetGrant, 'id'>): BudgetGrant => {
    for (const old of selectGrants.all()) {
      if (isSameTarget(old, grant) && !canMatter(old, grant.createdAtMs)) deleteGrant.run(old.id);
    }
    const { kind, amount, windowStartMs, untilMs, createdAtMs } = grant;
    const values = [kind, amount, windowStartMs, untilMs, createdAtMs];
    const { lastInsertRowid } = insertGrant.run(...columnsOf(grant), ...values);
    return { ...grant, id: Number(lastInsertRowid) };
  });

  const addAlert = db.transaction((alert: BudgetAlert): boolean => {
    const { windowStartMs, threshold, limit, spent, atMs } = alert;
    const values = [windowStartMs, threshold, limit, spent, atMs];
    const isNew = insertAlert.run(...columnsOf(alert), ...values).changes > 0;
    if (isNew) deleteOldAlerts.run(...columnsOf(alert), windowStartMs, atMs - ALERT_KEPT_MS);
    return isNew;
  });

  return {
    budgets: () => selectBudgets.all(),
    putBudget: (budget) =>
      orUnavailable(() => {
        upsertBudget.run(...columnsOf(budget), budget.limit, budget.createdAtMs);
      }),
    removeBudget: (target) =>
      orUnavailable(() => deleteBudget.run(...columnsOf(target)).changes > 0),
    grants: (nowMs) => selectGrants.all().filter((grant) => canMatter(grant, nowMs)),
    addGrant: (grant) => orUnavailable(() => addGrant.immediate(grant)),
    addAlert: (alert) => orUnavailable(() => addAlert.immediate(alert)),
    undelivered: (limit) => selectUndelivered.all(limit),
    markDelivered: (alert, atMs) =>
      orUnavailable(() => {
        markDelivered.run(atMs, ...columnsOf(alert), alert.windowStartMs, alert.threshold);
      }),
  };
}

/** Errs to the safe side: which zone's calendar a window follows is not known here. */
function canMatter({ untilMs, windowStartMs, window }: Omit<BudgetGrant, 'id'>, nowMs: number) {
  if (untilMs !== null) return nowMs < untilMs;
  return nowMs - (windowStartMs ?? 0) < LONGEST_MS[window];
}

function isSameTarget(one: BudgetTarget, other: BudgetTarget): boolean {
  return columnsOf(one).join('\n') === columnsOf(other).join('\n');
}

function columnsOf({ per, subject, measure, window }: BudgetTarget): string[] {
  return [per, subject, measure, window];
}

function orUnavailable<T>(write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (isBadRow(cause)) throw cause;
    throw new GateError('store_unavailable', 'Budgets cannot be written now.', { cause });
  }
}
