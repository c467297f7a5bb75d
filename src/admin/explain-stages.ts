import type { FoundRequest } from '../store/find-request.ts';
import { REQUEST_STAGES, type RequestStage, type StageView } from './explain-schemas.ts';
import type { StoryTrace } from './live-explain.ts';

/** What each stage has left behind, in words. */
export type StageWords = Readonly<Partial<Record<RequestStage, readonly string[]>>>;

/** All stages of a request that ended in one of them, or in none when it got its whole answer. */
export function finishedStages(row: FoundRequest, words: StageWords): StageView[] {
  const endedIn = stageOfEnd(row);
  const isOurOwn = row.attempts === 0 && endedIn === null;
  const end = endedIn === null ? REQUEST_STAGES.length : REQUEST_STAGES.indexOf(endedIn);
  return REQUEST_STAGES.map((stage, at): StageView => {
    const skipped = at > end || (isOurOwn && SKIPPED_BY_LISTS.has(stage));
    // Whatever becomes of a request, it is settled.
    if (skipped && stage !== 'settle') return { stage, verdict: 'not_reached', words: [] };
    return { stage, verdict: at === end ? 'ended' : 'passed', words: [...(words[stage] ?? [])] };
  });
}

/** All stages of one that is in one of them now. */
export function runningStages(current: string, words: StageWords): StageView[] {
  const at = REQUEST_STAGES.map(String).indexOf(current);
  return REQUEST_STAGES.map((stage, index): StageView => {
    if (index > at) return { stage, verdict: 'not_reached', words: [] };
    if (index < at) return { stage, verdict: 'passed', words: [...(words[stage] ?? [])] };
    // What an early stage decides is not known before it has.
    const isTold = stage === 'queue' || stage === 'forward' || stage === 'meter';
    return { stage, verdict: 'running', words: isTold ? [...(words[stage] ?? [])] : [] };
  });
}

/** Lists of models are answered by the gateway itself. */
const SKIPPED_BY_LISTS: ReadonlySet<RequestStage> = new Set([
  ...(['route', 'reserve', 'queue', 'record', 'forward', 'meter'] as const),
]);

const STAGES_OF_CODES: Readonly<Record<string, RequestStage>> = {
  invalid_json: 'read',
  unsupported_field: 'read',
  unsupported_media_type: 'read',
  request_too_large: 'read',
  endpoint_not_allowed: 'authorize',
  model_not_found: 'authorize',
  rate_limit_exceeded: 'limit',
  concurrency_exceeded: 'limit',
  policy_denied: 'route',
  insufficient_quota: 'reserve',
  queue_timeout: 'queue',
  no_backend_available: 'queue',
  store_unavailable: 'record',
};

/** Where a finished request ended; null for one that was answered. */
export function stageOfEnd({ outcome, code, attempts, model }: FoundRequest): RequestStage | null {
  if (outcome === 'served') return null;
  if (outcome === 'cut_by_caller' || outcome === 'cut_by_backend') return 'meter';
  if (outcome === 'expired' || attempts > 0) return 'forward';
  const known = code === null ? undefined : STAGES_OF_CODES[code];
  if (known !== undefined) return known;
  // The rest may come from several stages; without a model it was none of the later ones.
  if (model !== '') return 'queue';
  return code === 'backend_loading' ? 'authorize' : 'read';
}

/** Which stage has noted it. */
export function stageOfNote(text: string, atMs: number, firstAttemptMs: number): RequestStage {
  if (text.startsWith('rule ') || text.startsWith('variant ')) return 'route';
  if (text.startsWith('budgets ')) return 'reserve';
  return atMs < firstAttemptMs ? 'queue' : 'forward';
}

/** Notes by the stage that they are of. */
export function notesByStage(
  notes: StoryTrace['notes'],
  firstAttemptMs: number,
): Map<RequestStage, string[]> {
  const byStage = new Map<RequestStage, string[]>();
  for (const { at_ms, text } of notes) {
    const stage = stageOfNote(text, at_ms, firstAttemptMs);
    const known = byStage.get(stage);
    if (known === undefined) byStage.set(stage, [text]);
    else known.push(text);
  }
  return byStage;
}
