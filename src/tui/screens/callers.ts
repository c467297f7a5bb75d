import type { CallerKind, LiveCaller } from '../../observe/live-document.ts';
import {
  renderCount,
  renderPart,
  renderRate,
  renderTimeOfDay,
  renderUsd,
  UNKNOWN,
} from '../figures.ts';
import { findCallerBase, type Rates, rowRates } from '../history.ts';
import type { ScreenName, TopState } from '../state.ts';
import type { Column, Field } from '../table.ts';
import { createTableScreen } from '../table-screen.ts';

interface CallerRow {
  readonly caller: LiveCaller;
  readonly rates: Rates | null;
  /** The ones that will refuse first. */
  readonly limit: Tightest<Limit> | null;
  readonly budget: Tightest<Budget> | null;
}

type Limit = LiveCaller['limits'][number];
type Budget = LiveCaller['budgets'][number];

interface Tightest<T> {
  readonly of: T;
  /** 1 is all of it. */
  readonly usedPart: number;
}

function listCallers({ document, history }: TopState, kind: CallerKind): CallerRow[] {
  if (document === null || history === null) return [];
  const callers = document.callers ?? [];
  const base = findCallerBase(history);
  const before = new Map(
    base?.callers.filter((each) => each.kind === kind).map((each) => [each.id, each]),
  );
  const elapsedMs = base === undefined ? 0 : document.uptime_ms - base.uptimeMs;
  return callers
    .filter((caller) => caller.kind === kind)
    .map((caller) => ({
      caller,
      rates: rowRates(caller, before.get(caller.id), elapsedMs),
      limit: findTightest(caller.limits, usedOfLimit),
      budget: findTightest(caller.budgets, usedOfBudget),
    }));
}

function findTightest<T>(all: readonly T[], used: (each: T) => number): Tightest<T> | null {
  let found: Tightest<T> | null = null;
  for (const each of all) {
    const usedPart = used(each);
    if (found === null || usedPart > found.usedPart) found = { of: each, usedPart };
  }
  return found;
}

function usedOfLimit({ limit, remaining }: Limit): number {
  return limit === 0 ? 1 : (limit - remaining) / limit;
}

function usedOfBudget({ limit, spent, held }: Budget): number {
  return Number(limit) === 0 ? 1 : (Number(spent) + Number(held)) / Number(limit);
}

function renderLimit({ measure, limit, remaining }: Limit): string {
  const short = { requests: 'req', tokens: 'tok', concurrent: 'run' }[measure];
  return `${short} ${renderCount(limit - remaining)}/${renderCount(limit)}`;
}

function renderAmount({ measure }: Budget, amount: string): string {
  return measure === 'usd' ? renderUsd(Number(amount)) : renderCount(Number(amount));
}

function renderBudget(budget: Budget): string {
  const spent = renderAmount(budget, budget.spent);
  return `${spent}/${renderAmount(budget, budget.limit)} ${budget.window}`;
}

const FIGURES: readonly Column<CallerRow>[] = [
  {
    ...{ title: 'BUSY', width: 5, align: 'right' },
    text: ({ caller }) => renderCount(caller.in_flight),
    value: ({ caller }) => caller.in_flight,
  },
  {
    ...{ title: 'REQ/S', width: 6, align: 'right' },
    text: ({ rates }) => renderRate(rates?.requestsPerSecond ?? null),
    value: ({ rates, caller }) => rates?.requestsPerSecond ?? caller.requests,
  },
  {
    ...{ title: 'ERR/S', width: 6, align: 'right' },
    text: ({ rates }) => renderRate(rates?.errorsPerSecond ?? null),
    value: ({ rates }) => rates?.errorsPerSecond ?? null,
    tone: ({ rates }) => ((rates?.errorsPerSecond ?? 0) > 0 ? 'warn' : 'plain'),
  },
  {
    ...{ title: 'OUT/S', width: 6, align: 'right' },
    text: ({ rates }) => renderRate(rates?.outputPerSecond ?? null),
    value: ({ rates }) => rates?.outputPerSecond ?? null,
  },
  {
    ...{ title: '$/H', width: 7, align: 'right' },
    text: ({ rates }) => renderUsd(rates?.usdPerHour ?? null),
    value: ({ rates }) => rates?.usdPerHour ?? null,
  },
  {
    ...{ title: 'LIMIT', width: 12 },
    text: ({ limit }) => (limit === null ? UNKNOWN : renderLimit(limit.of)),
    value: ({ limit }) => limit?.usedPart ?? null,
    tone: ({ limit }) => ((limit?.usedPart ?? 0) >= 0.9 ? 'warn' : 'plain'),
  },
  {
    ...{ title: 'BUDGET', width: 20 },
    text: ({ budget }) => (budget === null ? UNKNOWN : renderBudget(budget.of)),
    value: ({ budget }) => budget?.usedPart ?? null,
    tone: ({ budget }) => ((budget?.usedPart ?? 0) >= 0.9 ? 'bad' : 'plain'),
  },
  {
    ...{ title: 'USED', width: 5, align: 'right', from: 90 },
    text: ({ budget }) => renderPart(budget?.usedPart ?? null),
    value: ({ budget }) => budget?.usedPart ?? null,
  },
];

function createCallerScreen(name: ScreenName, kind: CallerKind, title: string) {
  const status: Column<CallerRow> = {
    ...{ title: 'STATUS', width: 9, from: 100 },
    text: ({ caller }) => caller.status ?? UNKNOWN,
    tone: ({ caller }) => (caller.status === 'active' ? 'good' : 'bad'),
  };
  return createTableScreen<CallerRow>(name, {
    empty: ({ document }) =>
      document?.callers == null
        ? 'asking'
        : `no ${kind} has asked for anything since this was opened`,
    columns: [
      { title, width: 'fill', text: ({ caller }) => caller.name },
      ...(kind === 'key' ? [status] : []),
      ...FIGURES,
    ],
    rows: (state) => listCallers(state, kind),
    id: ({ caller }) => caller.id,
    search: ({ caller }) => `${caller.id} ${caller.name} ${caller.status ?? ''}`,
    detail: detailOf,
  });
}

function detailOf({ caller, rates }: CallerRow): Field[] {
  return [
    [caller.kind, caller.name],
    ...(caller.kind === 'key'
      ? ([
          ['id', caller.id],
          ['status', caller.status ?? 'not known'],
        ] as const)
      : []),
    ['in flight', String(caller.in_flight)],
    ['requests', `${caller.requests} while watched, ${caller.errors} with an error`],
    ['requests/s', renderRate(rates?.requestsPerSecond ?? null)],
    ['tokens', `${caller.input_tokens} in, ${caller.output_tokens} out`],
    ['cost', `$${caller.cost_usd} while watched, ${renderUsd(rates?.usdPerHour ?? null)} an hour`],
    ...caller.limits.map(
      (limit) =>
        ['limit', `${renderLimit(limit)}, ${renderPart(usedOfLimit(limit))} used`] as const,
    ),
    ...caller.budgets.map((budget) => ['budget', describeBudget(budget)] as const),
  ];
}

function describeBudget(budget: Budget): string {
  const used = `${renderBudget(budget)}, ${renderPart(usedOfBudget(budget))} with what is held`;
  if (budget.resets_at === null) return used;
  return `${used}; begins anew ${budget.resets_at.slice(0, 10)} ${renderTimeOfDay(budget.resets_at)} UTC`;
}

export const keysScreen = createCallerScreen('keys', 'key', 'KEY');
export const usersScreen = createCallerScreen('users', 'user', 'USER');
export const teamsScreen = createCallerScreen('teams', 'team', 'TEAM');
