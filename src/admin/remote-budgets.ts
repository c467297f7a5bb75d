import type { BudgetOperations } from './budget-operations.ts';
import { BudgetList, BudgetPage } from './budget-schemas.ts';
import type { Send } from './remote-operations.ts';

/** The operations on budgets of the gateway behind `send`. */
export function createRemoteBudgets(send: Send): BudgetOperations {
  const path = (target: string, verb = '') => `/budgets/${encodeURIComponent(target)}${verb}`;
  const change = (verb: string) => (target: string, body: unknown) =>
    send({ method: 'POST', path: path(target, verb), body, answer: BudgetList });
  return {
    list: ({ per, after, limit }) => {
      const query = new URLSearchParams({ limit: String(limit) });
      if (per !== null) query.set('per', per);
      if (after !== null) query.set('after', after);
      return send({ method: 'GET', path: `/budgets?${query}`, answer: BudgetPage });
    },
    show: (target) => send({ method: 'GET', path: path(target), answer: BudgetList }),
    set: change('/set'),
    remove: change('/remove'),
    grant: change('/grant'),
    reset: change('/reset'),
  };
}
