import type { LiveGateway } from '../admin/live-gateway.ts';
import { GateError } from '../core/error.ts';
import type { Gate } from '../gateway/gate.ts';
import { recountBudgets } from '../store/load-budgets.ts';
import { toBackendView } from './backend-view.ts';
import { compareBooks } from './compare-books.ts';
import type { Discovery } from './discovery.ts';
import { gatewayStatus } from './gateway-status.ts';
import type { KeyDirectory } from './key-directory.ts';
import { createLiveExplain } from './live-explain.ts';
import { toModelView } from './model-view.ts';
import type { Pool } from './pool.ts';
import type { Records } from './records.ts';
import type { Reloader } from './reload.ts';
import type { Retention } from './retention.ts';
import type { Views } from './views.ts';

interface LiveParts {
  readonly gate: Gate;
  readonly pool: Pool;
  readonly views: Views;
  readonly keys: KeyDirectory;
  readonly records: Records;
  readonly retention: Retention;
  readonly reloader: Reloader;
  readonly discovery: Discovery;
  readonly version: string;
  readonly url: string;
}

/** The running gateway as the operations see it. */
export function createLiveGateway(parts: LiveParts): LiveGateway {
  const { gate, pool, views, keys, records, reloader, discovery, version, url } = parts;
  const fixed = {
    version,
    started_at: new Date(gate.clock.nowMs()).toISOString(),
    config_file: reloader.configFile,
    listen: url,
  };
  let recounting = Promise.resolve();
  return {
    keyChanged: (key) => keys.put(key),
    budgets: gate.budgets,
    status: () => gatewayStatus(gate, parts, fixed),
    models() {
      const configured = new Map(reloader.config.models.map((model) => [model.name, model]));
      return gate.models.models.map((model) => toModelView(model, configured.get(model.name)));
    },
    backends() {
      const discovered = new Map(discovery.current().map((each) => [each.backend, each]));
      const nowMs = gate.clock.monotonicMs();
      const health = new Map(pool.health.views(nowMs).map((each) => [each.id, each]));
      const standing = new Map(pool.scheduler.views(nowMs).map((each) => [each.backend, each]));
      const processes = new Map(pool.processes.views().map((each) => [each.backend, each]));
      return reloader.config.backends.map((backend) =>
        toBackendView(backend, {
          discovered: discovered.get(backend.id),
          health: health.get(backend.id),
          standing: standing.get(backend.id),
          process: processes.get(backend.id),
        }),
      );
    },
    live: (since, lists) => views.live(since, lists),
    explain: createLiveExplain(gate, pool.health),
    drainBackend: (id) => pool.health.drain(id),
    resumeBackend: (id) => pool.health.resume(id),
    cancelRequest(id) {
      const found = gate.inFlight.all().find((exchange) => exchange.id === id);
      found?.stop(new GateError('cancelled', 'An operator ended this request.'));
      return found !== undefined;
    },
    reload: (by) => reloader.reload(by),
    // Counters follow every settlement by themselves; a difference is told by checkLive.
    sumsRebuilt() {
      const recounted = recounting.then(() => recountBudgets(gate.budgets, records.store));
      // One that fails must not fail those after it.
      recounting = recounted.catch(() => {});
      return recounted;
    },
    checkLive: () => compareBooks(gate, records.store),
  };
}
