import type { BackendView } from '../admin/gateway-schemas.ts';
import type { LiveGateway } from '../admin/live-gateway.ts';
import type { Gate } from '../gateway/gate.ts';
import { recountBudgets } from '../store/load-budgets.ts';
import { compareBooks } from './compare-books.ts';
import type { Discovery } from './discovery.ts';
import { gatewayStatus } from './gateway-status.ts';
import type { KeyDirectory } from './key-directory.ts';
import { toModelView } from './model-view.ts';
import type { Records } from './records.ts';
import type { Reloader } from './reload.ts';
import type { Retention } from './retention.ts';

interface LiveParts {
  readonly gate: Gate;
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
  const { gate, keys, records, reloader, discovery, version, url } = parts;
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
      const inFlight = new Map<string, number>();
      for (const { backend } of gate.inFlight.all()) {
        if (backend !== null) inFlight.set(backend, (inFlight.get(backend) ?? 0) + 1);
      }
      const discovered = new Map(discovery.current().map((each) => [each.backend, each]));
      return reloader.config.backends.map(({ id, type, url: backendUrl }): BackendView => {
        const found = discovered.get(id);
        const seenAtMs = found?.seenAtMs ?? null;
        const problem = found?.problem ?? null;
        return {
          id,
          type,
          url: backendUrl,
          state: problem !== null ? 'down' : seenAtMs === null ? 'unknown' : 'up',
          error: problem,
          checked_at: seenAtMs === null ? null : new Date(seenAtMs).toISOString(),
          models: (found?.models ?? []).map((model) => model.id),
          in_flight: inFlight.get(id) ?? 0,
        };
      });
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
