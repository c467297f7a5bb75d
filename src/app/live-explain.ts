import type { InFlightTrace, LiveExplain, StoryTrace } from '../admin/live-explain.ts';
import type { HealthBoard } from '../backends/health/health.ts';
import { toUsdString } from '../core/money.ts';
import { type BackendNow, dryRun } from '../gateway/dry-run.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gate } from '../gateway/gate.ts';
import { toDryOrder } from './dry-run-order.ts';
import { toDryRunView } from './dry-run-view.ts';
import { round, toLiveRequest } from './live-requests.ts';

/** What the gateway that runs here says of single requests. */
export function createLiveExplain(gate: Gate, health: Pick<HealthBoard, 'views'>): LiveExplain {
  return {
    inFlight(beginning) {
      const nowMs = gate.clock.monotonicMs();
      return gate.inFlight
        .all()
        .filter(({ id }) => id.replaceAll('-', '').startsWith(beginning))
        .map((exchange) => toTrace(exchange, nowMs));
    },
    story: (id) => findStory(gate, id),
    async dryRun(order) {
      const views = new Map(health.views(gate.clock.monotonicMs()).map((view) => [view.id, view]));
      const backendNow = (id: string): BackendNow | undefined => views.get(id);
      const dryOrder = toDryOrder(order, backendNow);
      return toDryRunView(dryOrder, await dryRun(gate, dryOrder));
    },
  };
}

function toTrace(exchange: Exchange, nowMs: number): InFlightTrace {
  const { caller, tags, call, heldNanoUsd, notes = [] } = exchange;
  return {
    request: toLiveRequest(exchange, nowMs),
    tenant: caller?.tenant ?? null,
    tags,
    bodyBytes: call?.bytes?.byteLength ?? null,
    heldUsd: toUsdString(heldNanoUsd),
    notes: notes.map(toNote),
  };
}

function findStory(gate: Gate, id: string): StoryTrace | undefined {
  const story = gate.stories.find(id);
  if (story === undefined) return undefined;
  return {
    queueMs: story.queueMs,
    heldUsd: toUsdString(story.heldNanoUsd),
    ...{ outputLimit: story.outputLimit, bodyBytes: story.bodyBytes },
    notes: story.notes.map(toNote),
    attempts: story.attempts.map((each) => ({
      ...{ backend: each.backend, model: each.model, reason: each.reason },
      start_ms: round(each.startMs),
      end_ms: round(each.endMs),
      first_token_ms: each.firstTokenMs === null ? null : round(each.firstTokenMs),
      ...{ code: each.code, status: each.status },
    })),
  };
}

function toNote({ atMs, text }: { readonly atMs: number; readonly text: string }) {
  return { at_ms: round(atMs), text };
}
