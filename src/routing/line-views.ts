import type { FairAccount } from './fair-account.ts';
import type { ModelState } from './model-state.ts';
import type { Replicas } from './replica.ts';
import type { ReplicaState } from './replica-state.ts';
import type { LineStanding, ReplicaStanding } from './scheduling.ts';

/** How each replica stands; those that a reload took away are left out. */
export function viewReplicas(
  states: Iterable<ReplicaState>,
  replicas: Replicas,
  engineQueue: number,
  nowMs: number,
): readonly ReplicaStanding[] {
  const views: ReplicaStanding[] = [];
  for (const state of states) {
    const replica = replicas(state.id);
    if (replica === undefined) continue;
    state.look(replica, engineQueue, nowMs);
    views.push({
      backend: state.id,
      inFlight: state.inFlight,
      prefillTokens: Math.round(state.prefillTokens),
      places: Number.isFinite(state.places) ? state.places : null,
      ttftMs: state.ttftMs,
      failureRate: state.failureRate(nowMs),
    });
  }
  return views;
}

/** The lines in which somebody waits. */
export function viewLines(models: Iterable<ModelState>, nowMs: number): readonly LineStanding[] {
  const views: LineStanding[] = [];
  for (const model of models) {
    if (model.waiting === 0) continue;
    const subjects = new Set<FairAccount>();
    let oldestMs = 0;
    for (const { lanes } of model.pool.classes) {
      for (const lane of lanes.values()) {
        if (lane.model !== model) continue;
        for (const { account, first } of lane.turns) {
          subjects.add(account);
          oldestMs = Math.max(oldestMs, nowMs - (first?.askedMs ?? nowMs));
        }
      }
    }
    const { name, waiting } = model;
    views.push({ model: name, waiting, subjects: subjects.size, oldestMs });
  }
  return views;
}
