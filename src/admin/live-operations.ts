import type { AuditAction } from '../audit/actions.ts';
import type { Clock } from '../core/clock.ts';
import type { LiveDocument } from '../observe/live-document.ts';
import { LIVE_LISTS, type LiveList } from '../observe/live-lists.ts';
import type { Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import type { LiveGateway } from './live-gateway.ts';
import type { CancelResult, DrainResult } from './live-schemas.ts';
import { OperationError } from './operation-error.ts';

/** What is going on in a running gateway, and what can be done about it. */
export interface LiveOperations {
  /**
   * `since`: the `seq` of the document before; 0 for what is still remembered. Of the long lists
   * only those in `lists` are told; left out, all are.
   */
  live(since: number, lists?: readonly LiveList[]): Promise<LiveDocument>;
  /** No new requests go there until `resumeBackend` or the end of the gateway. Throws `not_found`. */
  drainBackend(id: string): Promise<DrainResult>;
  resumeBackend(id: string): Promise<DrainResult>;
  /** Ends a request in flight; its caller is told by an error. Throws `not_found`. */
  cancelRequest(id: string): Promise<CancelResult>;
}

export interface LiveOperationsParts {
  readonly store: Pick<Store, 'audit'>;
  readonly clock: Clock;
  /** Throws `not_running` without a gateway. */
  readonly gateway: () => LiveGateway;
  readonly actor: () => Actor;
}

export function createLiveOperations(parts: LiveOperationsParts): LiveOperations {
  const { gateway } = parts;
  return {
    live: async (since, lists = LIVE_LISTS) => gateway().live(since, lists),
    drainBackend: async (id) => setDrained(parts, id, true),
    resumeBackend: async (id) => setDrained(parts, id, false),
    async cancelRequest(id) {
      if (!gateway().cancelRequest(id)) {
        throw new OperationError('not_found', `no request with the id "${id}" is in flight`);
      }
      record(parts, 'request.cancel', id);
      return { id, cancelled: true };
    },
  };
}

function setDrained(parts: LiveOperationsParts, id: string, drained: boolean): DrainResult {
  const gateway = parts.gateway();
  const isKnown = drained ? gateway.drainBackend(id) : gateway.resumeBackend(id);
  if (!isKnown) throw new OperationError('not_found', `there is no backend "${id}"`);
  record(parts, drained ? 'backend.drain' : 'backend.resume', id);
  const found = gateway.backends().find((backend) => backend.id === id);
  return { id, drained, in_flight: found?.in_flight ?? 0 };
}

function record({ store, clock, actor }: LiveOperationsParts, action: AuditAction, target: string) {
  store.audit.record({
    ...{ atMs: clock.nowMs(), action, target, before: null, after: null },
    ...actor(),
  });
}
