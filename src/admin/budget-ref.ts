import { BUDGET_SCOPES, type BudgetScope } from '../pricing/budget-rule.ts';
import type { KeyStore } from '../store/store.ts';
import { OperationError } from './operation-error.ts';

/** Whom a budget is for. */
export interface BudgetRef {
  readonly per: BudgetScope;
  /** The id of a key, the name of anybody else, empty for `all`; may be a pattern. */
  readonly subject: string;
  readonly isPattern: boolean;
  /** As it was asked for. */
  readonly text: string;
}

const SUBJECT_MAX_CHARS = 128;

/**
 * `all`, `team/research`, `key/NAME_OR_ID`, `model/llama*`. Throws `invalid` for other words and
 * `not_found` for a key that does not exist; anybody else exists by being named.
 */
export function parseBudgetRef(text: string, keys: KeyStore): BudgetRef {
  if (text === 'all') return { per: 'all', subject: '', isPattern: false, text };
  const slash = text.indexOf('/');
  const per = BUDGET_SCOPES.find((scope) => scope !== 'all' && scope === text.slice(0, slash));
  const subject = text.slice(slash + 1);
  if (slash < 1 || per === undefined || subject === '') {
    const scopes = BUDGET_SCOPES.filter((scope) => scope !== 'all').join('/NAME, ');
    throw new OperationError('invalid', `"${text}" is no target: write all, ${scopes}/NAME`);
  }
  if (subject.length > SUBJECT_MAX_CHARS) {
    throw new OperationError('invalid', `a name has at most ${SUBJECT_MAX_CHARS} characters`);
  }
  const isPattern = subject.includes('*');
  if (per !== 'key' || isPattern) return { per, subject, isPattern, text };
  const key = keys.find(subject);
  if (key !== undefined) return { per, subject: key.id, isPattern, text };
  throw new OperationError('not_found', `no key has the id or name "${subject}"`);
}

export function renderBudgetRef(per: BudgetScope, subject: string): string {
  return per === 'all' ? 'all' : `${per}/${subject}`;
}
