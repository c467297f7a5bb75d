import { toUsdString } from '../core/money.ts';
import type { Gate } from '../gateway/gate.ts';
import type { Store } from '../store/store.ts';

/**
 * Holds the live budget counters against the rows. Requests settle meanwhile, so each key's rows
 * must lie between what its counter said before they were read and what it says after.
 */
export async function compareBooks(gate: Gate, store: Store): Promise<string[]> {
  const problems: string[] = [];
  const { unwritten, dropped } = store.ledger.stats();
  if (unwritten > 0) problems.push(`${unwritten} settled requests are not yet in the store`);
  if (dropped > 0) problems.push(`${dropped} settled requests were lost: the store stayed closed`);

  const before = totals(gate.budgets.spentInTotal());
  await nextCommit();
  const rows = totals(await store.books.spend(0));
  const after = totals(gate.budgets.spentInTotal());
  for (const keyId of new Set([...before.keys(), ...rows.keys(), ...after.keys()])) {
    const inRows = rows.get(keyId) ?? 0n;
    const atLeast = before.get(keyId) ?? 0n;
    const atMost = after.get(keyId) ?? 0n;
    if (inRows >= atLeast && inRows <= atMost) continue;
    problems.push(
      `key ${keyId}: the counter says ${toUsdString(atMost)} USD, its rows ${toUsdString(inRows)} USD`,
    );
  }
  return problems;
}

/** The ledger commits every few turns of the event loop; after these, what was settled is a row. */
const COMMIT_TURNS = 4;

async function nextCommit(): Promise<void> {
  for (let turn = 0; turn < COMMIT_TURNS; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function totals(
  spend: readonly { readonly keyId: string; readonly costNanoUsd: bigint }[],
): Map<string, bigint> {
  const byKey = new Map<string, bigint>();
  for (const { keyId, costNanoUsd } of spend) {
    byKey.set(keyId, (byKey.get(keyId) ?? 0n) + costNanoUsd);
  }
  return byKey;
}
