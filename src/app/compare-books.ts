import { toUsdString } from '../core/money.ts';
import type { Gate } from '../gateway/gate.ts';
import { BUDGET_SCOPES } from '../pricing/budget-rule.ts';
import type { SubjectSpend } from '../pricing/budgets.ts';
import type { Spend, Store } from '../store/store.ts';

/**
 * Holds the live budget counters against the rows. Requests settle meanwhile, so each subject's
 * rows must lie between what its counter said before they were read and what it says after.
 */
export async function compareBooks(gate: Gate, store: Store): Promise<string[]> {
  const problems: string[] = [];
  const { unwritten, dropped } = store.ledger.stats();
  if (unwritten > 0) problems.push(`${unwritten} settled requests are not yet in the store`);
  if (dropped > 0) problems.push(`${dropped} settled requests were lost: the store stayed closed`);

  const before = bySubject(gate.budgets.spentInTotal());
  await nextCommit();
  const rows = bySubject((await store.books.spend(0)).flatMap(subjectsOf));
  const after = bySubject(gate.budgets.spentInTotal());
  for (const subject of new Set([...before.keys(), ...rows.keys(), ...after.keys()])) {
    const inRows = rows.get(subject) ?? NOTHING;
    const atLeast = before.get(subject) ?? NOTHING;
    const atMost = after.get(subject) ?? NOTHING;
    if (isBetween(inRows, atLeast, atMost)) continue;
    problems.push(
      `${subject}: the counter says ${inWords(atMost)}, the sums say ${inWords(inRows)}`,
    );
  }
  return problems;
}

interface Sums {
  readonly costNanoUsd: bigint;
  readonly tokens: bigint;
}

/** A counter that stands here has stopped: it says that much or more. */
const FULL = BigInt(Number.MAX_SAFE_INTEGER);

const NOTHING: Sums = { costNanoUsd: 0n, tokens: 0n };

function isBetween(sums: Sums, least: Sums, most: Sums): boolean {
  return (
    sums.costNanoUsd >= least.costNanoUsd &&
    (sums.costNanoUsd <= most.costNanoUsd || most.costNanoUsd === FULL) &&
    sums.tokens >= least.tokens &&
    (sums.tokens <= most.tokens || most.tokens === FULL)
  );
}

function inWords({ costNanoUsd, tokens }: Sums): string {
  return `${toUsdString(costNanoUsd)} USD and ${tokens} tokens`;
}

/** What one combination of payers spent, for each subject that it counts for. */
function subjectsOf(spend: Spend): SubjectSpend[] {
  const { keyId, user, team, tenant, model, ...sums } = spend;
  const subjects = { all: '', key: keyId, user, team, tenant, model };
  return BUDGET_SCOPES.flatMap((per) => {
    const subject = subjects[per];
    return subject === null ? [] : [{ per, subject, ...sums }];
  });
}

/** The ledger commits every few turns of the event loop; after these, what was settled is a row. */
const COMMIT_TURNS = 4;

async function nextCommit(): Promise<void> {
  for (let turn = 0; turn < COMMIT_TURNS; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function bySubject(spends: readonly SubjectSpend[]): Map<string, Sums> {
  const sums = new Map<string, Sums>();
  for (const { per, subject, costNanoUsd, tokens } of spends) {
    const name = per === 'all' ? per : `${per} ${subject}`;
    const known = sums.get(name) ?? NOTHING;
    sums.set(name, {
      costNanoUsd: known.costNanoUsd + costNanoUsd,
      tokens: known.tokens + tokens,
    });
  }
  return sums;
}
