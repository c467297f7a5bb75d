import { type Command, Option } from 'commander';
import type { BudgetOperations } from '../admin/budget-operations.ts';
import type { BudgetList, BudgetView } from '../admin/budget-schemas.ts';
import { BUDGET_SCOPES, type BudgetScope } from '../pricing/budget-rule.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { printBudgets } from './budget-report.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions } from './output.ts';

const EXAMPLE = `Examples:
  llmgate budgets list
  llmgate budgets list --per team
  llmgate budgets list --json | jq '.budgets[] | select(.remaining_usd == "0")'
`;

const PAGE_SIZE = 500;

interface ListFlags extends AccessFlags, OutputOptions {
  readonly per?: BudgetScope;
}

export function addBudgetsListCommand(budgets: Command, io: CliIo, system: SystemParts): void {
  const command = budgets
    .command('list')
    .description('every budget, and of every purse what is spent, held and left')
    .addHelpText('before', EXAMPLE)
    .addOption(new Option('--per <scope>', 'only budgets of this kind').choices(BUDGET_SCOPES));
  addOutputOptions(addAccessOptions(command)).action(async (flags: ListFlags) => {
    const list = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
      collect(operations.budgets, flags.per ?? null),
    );
    await printBudgets(io, flags, list, HINT);
  });
}

const HINT = 'There are no budgets. Make one with: llmgate budgets set all --usd 100/month';

/** Page by page, so that a million keys never stop the gateway that is asked for them. */
async function collect(budgets: BudgetOperations, per: BudgetScope | null): Promise<BudgetList> {
  const found: BudgetView[] = [];
  let after: string | null = null;
  let page: Awaited<ReturnType<BudgetOperations['list']>>;
  do {
    page = await budgets.list({ per, after, limit: PAGE_SIZE });
    for (const budget of page.budgets) found.push(budget);
    after = page.next;
  } while (after !== null);
  return { budgets: found.toSorted(byUrgency), file_known: page.file_known };
}

/** Scope by scope: first what holds for all of a kind, then who has used most of theirs. */
function byUrgency(one: BudgetView, other: BudgetView): number {
  return (
    BUDGET_SCOPES.indexOf(one.per) - BUDGET_SCOPES.indexOf(other.per) ||
    shareUsed(other) - shareUsed(one) ||
    one.target.localeCompare(other.target)
  );
}

function shareUsed(budget: BudgetView): number {
  const spent = budget.spent_usd ?? budget.spent_tokens;
  const limit = budget.limit_usd ?? budget.limit_tokens;
  return spent === null || limit === null
    ? Number.POSITIVE_INFINITY
    : Number(spent) / Number(limit);
}
