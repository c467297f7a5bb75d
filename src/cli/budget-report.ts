import type { BudgetList, BudgetView, GrantView } from '../admin/budget-schemas.ts';
import type { CliIo } from './io.ts';
import { type OutputOptions, printReport, type Report } from './output.ts';
import { NOTHING, type Table } from './table.ts';

const COLUMNS = [
  'target',
  'per',
  'subject',
  'name',
  'measure',
  'window',
  'source',
  'limit_usd',
  'spent_usd',
  'held_usd',
  'remaining_usd',
  'limit_tokens',
  'spent_tokens',
  'held_tokens',
  'remaining_tokens',
  'resets_at',
];

export async function printBudgets(
  io: CliIo,
  options: OutputOptions,
  list: BudgetList,
  emptyHint: string,
): Promise<void> {
  await printReport(io, options, toReport(list, emptyHint));
  if (list.file_known || options.output !== 'table') return;
  io.err('The configuration cannot be read: its budgets and its time zone are not known here.\n');
}

function toReport({ budgets, file_known }: BudgetList, emptyHint: string): Report {
  return {
    document: { budgets, file_known },
    rows: budgets,
    columns: COLUMNS,
    human: toTable(budgets),
    emptyHint,
  };
}

function toTable(budgets: readonly BudgetView[]): Table {
  return {
    columns: [
      { title: 'TARGET' },
      { title: 'WINDOW', whole: true },
      { title: 'LIMIT', align: 'right' },
      { title: 'SPENT', align: 'right' },
      { title: 'HELD', align: 'right', optional: true },
      { title: 'LEFT', align: 'right' },
      { title: 'RESETS', whole: true, optional: true },
      { title: 'FROM', whole: true },
      { title: 'GRANTED', optional: true },
    ],
    rows: budgets.map((budget) => [
      toTarget(budget),
      budget.window,
      toAmount(budget.limit_usd, budget.limit_tokens),
      toAmount(budget.spent_usd, budget.spent_tokens),
      toAmount(toHeld(budget.held_usd, '0'), toHeld(budget.held_tokens, 0)),
      toAmount(budget.remaining_usd, budget.remaining_tokens),
      budget.resets_at?.slice(0, 16).replace('T', ' ') ?? NOTHING,
      budget.source,
      budget.grants.length === 0 ? NOTHING : budget.grants.map(toGrant).join(', '),
    ]),
  };
}

/** People know a key by its name; its id is in the other forms. */
function toTarget({ per, target, name }: BudgetView): string {
  return per === 'key' && name !== null ? `key/${name}` : target;
}

function toHeld<T>(held: T | null, none: T): T | null {
  return held === none ? null : held;
}

function toAmount(usd: string | null, tokens: number | null): string {
  if (usd !== null) return `$${usd}`;
  return tokens === null ? NOTHING : `${group(tokens)} tok`;
}

function toGrant({ kind, amount_usd, amount_tokens, until }: GrantView): string {
  const amount = toAmount(amount_usd, amount_tokens);
  if (kind === 'reset') return `reset ${amount}`;
  return until === null ? `+${amount}` : `+${amount} until ${until.slice(0, 10)}`;
}

/** 1234567 as `1,234,567`. */
function group(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
