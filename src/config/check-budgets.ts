import { BadValue } from './bad-value.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, isMap, itemsOf, textAt } from './raw.ts';
import { repeated } from './repeated.ts';
import { parsePercentage } from './units.ts';

const MEASURES = ['usd', 'tokens'] as const;

/** Rules of `budgets` that the shape of one value cannot express. */
export function checkBudgets(file: unknown): Finding[] {
  const budgets = itemsOf(at(file, 'budgets'));
  return [
    ...budgets.flatMap((budget, index) => checkBudget(budget, ['budgets', index])),
    ...MEASURES.flatMap((measure) => {
      const isSo = (budget: unknown) => at(budget, measure) !== undefined;
      return repeated(file, 'budgets', ['per', 'name', 'window'], isSo);
    }),
  ];
}

function checkBudget(budget: unknown, path: ValuePath): Finding[] {
  if (!isMap(budget)) return [];
  const findings: Finding[] = [];
  const [first, second] = MEASURES.filter((measure) => Object.hasOwn(budget, measure));
  if (first === undefined) {
    findings.push({ path, message: 'limits nothing', hint: 'add usd or tokens' });
  }
  if (second !== undefined) {
    const message = `one budget has one measure, and ${first} is here already`;
    findings.push({ path: [...path, second], at: 'key', message, hint: 'write a second budget' });
  }
  if (textAt(budget, 'per') === 'all' && Object.hasOwn(budget, 'name')) {
    const message = 'a budget per all is one purse for everybody, so it has no name';
    findings.push({ path: [...path, 'name'], at: 'key', message });
  }
  return [...findings, ...checkAlerts(at(budget, 'alert_at'), [...path, 'alert_at'])];
}

function checkAlerts(alerts: unknown, path: ValuePath): Finding[] {
  let highest = 0;
  for (const [index, text] of itemsOf(alerts).entries()) {
    const percent = percentageOf(text);
    if (percent === undefined) continue; // The schema reports it.
    if (percent <= highest) {
      const message = `must be more than the ${highest}% before it`;
      return [{ path: [...path, index], message }];
    }
    highest = percent;
  }
  return [];
}

function percentageOf(text: unknown): number | undefined {
  try {
    return typeof text === 'string' ? parsePercentage(text) : undefined;
  } catch (error) {
    if (error instanceof BadValue) return undefined;
    throw error;
  }
}
