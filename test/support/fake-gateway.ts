import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createBlankKey } from '../../src/admin/key-changes.ts';
import { toKeyView } from '../../src/admin/key-view.ts';
import { OperationError } from '../../src/admin/operation-error.ts';
import type { Operations } from '../../src/admin/operations.ts';
import { startAdminServer } from '../../src/admin/server.ts';
import type { LiveDocument } from '../../src/observe/live-document.ts';
import { LIVE_LISTS } from '../../src/observe/live-lists.ts';
import { createFakeLiveGateway } from './fake-live-gateway.ts';
import { type SceneSize, SMALL, someLiveDocument } from './some-live-document.ts';

export interface FakeGatewayOptions {
  /** Where its admin socket is made. */
  readonly dataDir: string;
  readonly size?: SceneSize;
  /** Changes each document before it is sent. */
  readonly edit?: (document: LiveDocument) => LiveDocument;
}

export interface FakeGateway {
  /** Every action that it was asked for, such as `drain gpu0`. */
  readonly actions: string[];
  /** How often the document was asked for. */
  readonly looks: number;
  stop(): Promise<void>;
}

/** An admin socket that tells of the busy box of `someLiveDocument`, as time goes by. */
export function startFakeGateway(options: FakeGatewayOptions): FakeGateway {
  const { dataDir, size = SMALL, edit = (document) => document } = options;
  const startedMs = performance.now();
  const actions: string[] = [];
  let looks = 0;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const act = (text: string) => {
    actions.push(text);
    if (text.endsWith('stuck')) throw new OperationError('internal', 'it is stuck');
  };
  const actOnKey = (verb: string, ref: string) => {
    act(`${verb} ${ref}`);
    return toKeyView(createBlankKey('k00000000000', ref, 0), 0);
  };
  const keys = {
    suspend: async (ref: string) => actOnKey('suspend', ref),
    resume: async (ref: string) => actOnKey('unsuspend', ref),
  };
  const operations: Partial<Omit<Operations, 'keys'>> = {
    status: async () => createFakeLiveGateway().status(),
    async live(since, lists = LIVE_LISTS) {
      looks += 1;
      // As if it had been running for a minute, so that there is something to see.
      const second = 60 + (performance.now() - startedMs) / 1_000;
      const document = someLiveDocument(second, size, since);
      return edit({
        ...document,
        callers: lists.includes('callers') ? document.callers : null,
        requests: lists.includes('requests') ? document.requests : null,
      });
    },
    async drainBackend(id) {
      act(`drain ${id}`);
      return { id, drained: true, in_flight: 0 };
    },
    async resumeBackend(id) {
      act(`resume ${id}`);
      return { id, drained: false, in_flight: 0 };
    },
    async cancelRequest(id) {
      act(`cancel ${id}`);
      return { id, cancelled: true };
    },
  };
  const server = startAdminServer({
    socketPath: join(dataDir, 'admin.sock'),
    // Nothing else is asked for here.
    operations: { ...operations, keys } as unknown as Operations,
    version: '0.1.0',
    onFailure: () => {},
  });
  return {
    actions,
    get looks() {
      return looks;
    },
    stop: () => server.stop(),
  };
}
