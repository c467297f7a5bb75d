import type { BackendView, ModelView } from '../admin/gateway-schemas.ts';
import type { LiveGateway } from '../admin/live-gateway.ts';
import type { Price } from '../core/price.ts';
import type { Gate } from '../gateway/gate.ts';
import type { Model } from '../routing/model-table.ts';
import type { Store } from '../store/store.ts';
import { compareBooks } from './compare-books.ts';
import type { Discovery } from './discovery.ts';
import type { KeyDirectory } from './key-directory.ts';
import type { Reloader } from './reload.ts';

interface LiveParts {
  readonly gate: Gate;
  readonly keys: KeyDirectory;
  readonly store: Store;
  readonly reloader: Reloader;
  readonly discovery: Discovery;
  readonly version: string;
  readonly url: string;
}

/** The running gateway as the operations see it. */
export function createLiveGateway(parts: LiveParts): LiveGateway {
  const { gate, keys, store, reloader, discovery, version, url } = parts;
  const startedAt = new Date(gate.clock.nowMs()).toISOString();
  return {
    keyChanged: (key) => keys.put(key),
    budgets: gate.budgets,
    status() {
      const ledger = store.ledger.stats();
      return {
        version,
        started_at: startedAt,
        generation: gate.generation.number,
        config_file: reloader.configFile,
        listen: url,
        draining: gate.draining,
        in_flight: gate.inFlight.size,
        requests: gate.counters.requests,
        unauthenticated: gate.counters.unauthenticated,
        clamped_usages: gate.counters.clampedUsages,
        ledger: {
          commits: ledger.commits,
          rows_opened: ledger.rowsOpened,
          rows_settled: ledger.rowsSettled,
          queued: ledger.queued,
          unwritten: ledger.unwritten,
          dropped: ledger.dropped,
        },
      };
    },
    models: () => gate.models.models.map((model) => toModelView(model, reloader)),
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
    checkLive: () => compareBooks(gate, store),
  };
}

function toModelView(model: Model, reloader: Reloader): ModelView {
  const configured = reloader.config.models.find(({ name }) => name === model.name);
  return {
    name: model.name,
    aliases: [...(configured?.aliases ?? [])],
    source: model.configured ? 'config' : 'discovered',
    targets: model.targets.map(({ backend, model: name }) => ({ backend, model: name })),
    price: model.price === null ? null : toPriceView(model.price),
    context_tokens: model.contextTokens,
    max_output_tokens: model.maxOutputTokens,
  };
}

function toPriceView(price: Price) {
  return {
    input_per_million_usd: microToUsd(price.input),
    cached_input_per_million_usd: microToUsd(price.cachedInput),
    output_per_million_usd: microToUsd(price.output),
    reasoning_per_million_usd: microToUsd(price.reasoning),
  };
}

/** Micro-dollars as an exact decimal string of dollars. */
function microToUsd(micro: number): string {
  const fraction = String(micro % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = String(Math.floor(micro / 1_000_000));
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
