import { BUDGET_SCOPES, type BudgetScope } from '../pricing/budget-rule.ts';
import type { FoundRequest, RequestSearch } from '../store/find-request.ts';
import { type BudgetOperationsParts, openDesk, standingOf } from './budget-desk.ts';
import type { BudgetView } from './budget-schemas.ts';
import { toBudgetView } from './budget-view.ts';
import { DryRunInput, type DryRunView } from './dry-run-schemas.ts';
import { explainFinished } from './explain-finished.ts';
import { explainInFlight } from './explain-in-flight.ts';
import type { ExplainView } from './explain-schemas.ts';
import { OperationError } from './operation-error.ts';
import { parseInput } from './parse-input.ts';

/** How a request went, and how one would go. */
export interface ExplainOperations {
  /**
   * `ref`: an id, or the beginning of only one. Throws `not_found`, and `invalid` when several
   * requests begin so.
   */
  request(ref: string): Promise<ExplainView>;
  /** Nothing is taken, written or sent. Throws `not_found` for a key and `not_running`. */
  dryRun(input: DryRunInput): Promise<DryRunView>;
}

export function createExplainOperations(parts: BudgetOperationsParts): ExplainOperations {
  return {
    request: (ref) => explain(parts, ref),
    async dryRun(input) {
      const { live, store } = parts;
      const order = parseInput(DryRunInput, input);
      if (live === null) {
        throw new OperationError('not_running', 'the gateway is not running');
      }
      const key = store.keys.find(order.key);
      if (key === undefined) {
        throw new OperationError('not_found', `no key has the id or name "${order.key}"`);
      }
      const { model = null, endpoint, headers } = order;
      return live.explain.dryRun({ key, model, endpoint, headers, body: bodyOf(order) });
    },
  };
}

function bodyOf({ body, body_base64 }: ReturnType<typeof DryRunInput.parse>): Uint8Array | null {
  if (body_base64 !== undefined) return Buffer.from(body_base64, 'base64');
  return body === undefined ? null : new TextEncoder().encode(body);
}

async function explain(parts: BudgetOperationsParts, ref: string): Promise<ExplainView> {
  const { live, store } = parts;
  const beginning = parseBeginning(ref);
  const inFlight = live?.explain.inFlight(beginning) ?? [];
  // The books after what is in flight: a request that ends between the two looks is in both.
  const found: RequestSearch = await store.books.findRequest(beginning);
  const ids = new Set([...found.ids, ...inFlight.map(({ request }) => request.id)]);
  if (ids.size > 1) throw ambiguous(ref, [...ids]);
  if (found.request !== null) return finished(parts, found.request);
  const [trace] = inFlight;
  if (trace !== undefined) return explainInFlight(trace);
  throw new OperationError('not_found', `no request has the id "${ref}"`);
}

/** Hexadecimal digits without dashes. */
function parseBeginning(ref: string): string {
  const digits = ref.trim().toLowerCase().replaceAll('-', '');
  if (/^[0-9a-f]{4,32}$/.test(digits)) return digits;
  throw new OperationError(
    'invalid',
    `"${ref}" is no id of a request, nor 4 digits of one or more`,
  );
}

const SHOWN_IDS = 5;

function ambiguous(ref: string, ids: readonly string[]): OperationError {
  const shown = ids.slice(0, SHOWN_IDS).join(', ');
  const more = ids.length > SHOWN_IDS ? ', and more' : '';
  return new OperationError('invalid', `several requests begin with "${ref}": ${shown}${more}`);
}

async function finished(parts: BudgetOperationsParts, row: FoundRequest): Promise<ExplainView> {
  const { live, store } = parts;
  const { countedTo, unknown } = await findBudgets(parts, row);
  return explainFinished({
    ...{ row, countedTo, unknown },
    keyName: store.keys.find(row.keyId)?.name ?? null,
    story: live?.explain.story(row.id) ?? null,
    hasGateway: live !== null,
  });
}

interface Counted {
  readonly countedTo: readonly BudgetView[];
  readonly unknown: readonly string[];
}

/** The budgets whose present window has the request in it. */
async function findBudgets(parts: BudgetOperationsParts, row: FoundRequest): Promise<Counted> {
  const { inputTokens, outputTokens } = row.usage;
  if ((row.costNanoUsd ?? 0) === 0 && inputTokens + outputTokens === 0) return NOTHING_COUNTED;
  const { book, fileKnown } = await openDesk(parts);
  const countedTo = BUDGET_SCOPES.flatMap((per) => {
    const subject = subjectOf(row, per);
    if (subject === null) return [];
    const { standing, name } = standingOf(parts.store, book, { per, subject });
    return standing
      .filter(({ windowStartMs }) => windowStartMs <= row.startedAtMs)
      .map((each) => toBudgetView(each, name));
  });
  const unsure = 'Budgets of the configuration are not known here: it cannot be read.';
  return { countedTo, unknown: fileKnown ? [] : [unsure] };
}

const NOTHING_COUNTED: Counted = { countedTo: [], unknown: [] };

function subjectOf(row: FoundRequest, per: BudgetScope): string | null {
  switch (per) {
    case 'all':
      return '';
    case 'key':
      return row.keyId;
    case 'model':
      return row.model === '' ? null : row.model;
    default:
      return row[per];
  }
}
