import type { AuditAction } from '../audit/actions.ts';
import type { Clock } from '../core/clock.ts';
import type { LegalHold } from '../store/legal-holds.ts';
import type { Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import { HoldOrder, HoldRelease, type HoldView } from './hold-schemas.ts';
import { OperationError } from './operation-error.ts';
import { parseInput } from './parse-input.ts';

/** Each is looked at for every row that could go. */
const ACTIVE_MAX = 1_000;

/** Legal holds: what they cover is neither purged nor erased. */
export interface HoldOperations {
  /** Throws `not_found` for a key that does not exist: a hold on it would hold nothing. */
  place(order: HoldOrder): Promise<HoldView>;
  /** Newest first. */
  list(): Promise<HoldView[]>;
  /** Throws `not_found`, and `conflict` when it was released before. */
  release(id: number, release: HoldRelease): Promise<HoldView>;
}

export interface HoldOperationsParts {
  readonly store: Pick<Store, 'keys' | 'audit' | 'legalHolds' | 'transact'>;
  readonly clock: Clock;
  readonly actor: () => Actor;
}

export function createHoldOperations(parts: HoldOperationsParts): HoldOperations {
  const { store, clock, actor } = parts;
  const { legalHolds } = store;
  const record = (action: AuditAction, hold: LegalHold, before: unknown, after: unknown): void => {
    const target = nameSubject(hold);
    store.audit.record({ atMs: clock.nowMs(), action, target, before, after, ...actor() });
  };
  return {
    async place(input) {
      const { scope, subject, reason } = parseOrder(parts, input);
      return store.transact(() => {
        if (legalHolds.countActive() >= ACTIVE_MAX) {
          const message = `there are ${ACTIVE_MAX} holds already; release one, or hold a team or all`;
          throw new OperationError('conflict', message);
        }
        const hold = legalHolds.place({ scope, subject, reason, createdAtMs: clock.nowMs() });
        record('hold.place', hold, null, { hold: hold.id, scope, subject, reason });
        return toHoldView(hold);
      });
    },
    list: async () => legalHolds.list().map(toHoldView),
    async release(id, input) {
      const { reason } = parseInput(HoldRelease, input);
      return store.transact(() => {
        const hold = legalHolds.find(id);
        if (hold === undefined) throw new OperationError('not_found', `there is no hold ${id}`);
        const atMs = clock.nowMs();
        if (!legalHolds.release(id, atMs)) {
          throw new OperationError('conflict', `hold ${id} was released before`);
        }
        const { scope, subject } = hold;
        const before = { hold: id, scope, subject, reason: hold.reason };
        record('hold.release', hold, before, { hold: id, reason });
        return toHoldView({ ...hold, releasedAtMs: atMs });
      });
    },
  };
}

/** `all`, or `user:ada`. */
function nameSubject({ scope, subject }: Pick<LegalHold, 'scope' | 'subject'>): string {
  return scope === 'all' ? scope : `${scope}:${subject}`;
}

function parseOrder({ store }: HoldOperationsParts, input: HoldOrder) {
  const order = parseInput(HoldOrder, input);
  const { scope, subject } = order;
  if ((scope === 'all') !== (subject === '')) {
    const what = scope === 'all' ? 'all has none' : `a ${scope} must be named`;
    throw new OperationError('invalid', `subject: ${what}`);
  }
  if (scope !== 'key') return order;
  const key = store.keys.find(subject);
  if (key === undefined) throw new OperationError('not_found', `there is no key "${subject}"`);
  return { ...order, subject: key.id };
}

function toHoldView(hold: LegalHold): HoldView {
  const { id, scope, subject, reason, createdAtMs, releasedAtMs } = hold;
  return {
    ...{ id, scope, subject, reason },
    placed_at: new Date(createdAtMs).toISOString(),
    released_at: releasedAtMs === null ? null : new Date(releasedAtMs).toISOString(),
  };
}
