import type { FoundRequest } from '../store/find-request.ts';
import type { BudgetView } from './budget-schemas.ts';
import { fromBooks, fromMemory, round, tellWhatFollowed } from './explain-attempts.ts';
import { toCostView } from './explain-cost.ts';
import type { AttemptView, CostView, ExplainView, UsageView } from './explain-schemas.ts';
import { finishedStages, notesByStage, type StageWords, stageOfEnd } from './explain-stages.ts';
import { toIso } from './key-view.ts';
import type { StoryTrace } from './live-explain.ts';

/** What is known of a finished request. */
export interface FinishedFacts {
  readonly row: FoundRequest;
  /** Null when the key is not in the store any more. */
  readonly keyName: string | null;
  readonly story: StoryTrace | null;
  /** Without a gateway nothing is in memory. */
  readonly hasGateway: boolean;
  readonly countedTo: readonly BudgetView[];
  readonly unknown: readonly string[];
}

export function explainFinished(facts: FinishedFacts): ExplainView {
  const { row, keyName, story } = facts;
  const notes = story?.notes ?? [];
  const drafts = story !== null ? fromMemory(story.attempts) : fromBooks(row);
  const attempts = tellWhatFollowed(drafts, notes, endingOf(row));
  const cost = toCostView(row);
  const served = attempts.findLast(({ code }) => code === null);
  const backendMs = row.backendUs === null ? null : round(row.backendUs / 1_000);
  const queueMs = story === null ? null : round(story.queueMs);
  return {
    id: row.id,
    state: 'finished',
    known_from: story === null ? ['books'] : ['books', 'memory'],
    who: {
      key_id: row.keyId,
      key_name: keyName,
      ...{ user: row.user, team: row.team, tenant: row.tenant, tags: { ...row.tags } },
    },
    what: {
      ...{ endpoint: row.endpoint, model: row.model, backend: row.backend },
      answered_by: served?.model ?? null,
      ...{ streamed: row.streamed, body_bytes: story?.bodyBytes ?? null },
      ...{ outcome: row.outcome, code: row.code, status: row.status },
    },
    stages: finishedStages(row, wordsOf(facts, attempts, cost)),
    attempts,
    attempt_count: row.attempts,
    notes: notes.map((note) => ({ ...note })),
    usage: toUsageView(row),
    cost,
    counted_to: [...facts.countedTo],
    timing: {
      started_at: toIso(row.startedAtMs),
      finished_at: toIso(row.startedAtMs + row.durationMs),
      duration_ms: row.durationMs,
      queue_ms: queueMs,
      first_token_ms: row.ttftUs === null ? null : round(row.ttftUs / 1_000),
      backend_ms: backendMs,
      gateway_ms: gatewayMs(row.durationMs, backendMs, queueMs, attempts),
    },
    audit: { chain: 'requests', seq: row.seq, hash: row.hash },
    content_kept: row.hasContent,
    unknown: [...unknownOf(facts), ...facts.unknown],
  };
}

/** Attempts beside each other count twice in `backendMs`: then nothing can be said. */
function gatewayMs(
  durationMs: number,
  backendMs: number | null,
  queueMs: number | null,
  attempts: readonly AttemptView[],
): number | null {
  if (attempts.some(({ next }) => next?.endsWith('beside it') === true)) return null;
  // The wait is a part of it that is told apart only while it is remembered.
  return round(Math.max(0, durationMs - (backendMs ?? 0) - (queueMs ?? 0)));
}

function endingOf({ outcome, code, status }: FoundRequest): string {
  switch (outcome) {
    case 'served':
      return 'its answer went to the caller';
    case 'cut_by_caller':
      return 'the caller left';
    case 'cut_by_backend':
      return `its answer broke, and the caller was told so (${code})`;
    case 'expired':
      return 'the gateway ended before it did';
    default:
      return `the caller got ${status} ${code}`;
  }
}

function wordsOf(
  { row, keyName, story }: FinishedFacts,
  attempts: readonly AttemptView[],
  cost: CostView,
): StageWords {
  const firstMs = attempts[0]?.start_ms ?? Number.POSITIVE_INFINITY;
  const noted = notesByStage(story?.notes ?? [], firstMs);
  const notes = (stage: 'route' | 'reserve' | 'queue' | 'forward') => noted.get(stage) ?? [];
  const endedIn = stageOfEnd(row);
  const why = `refused with ${row.status} ${row.code}`;
  const refusal = (stage: keyof StageWords) => (endedIn === stage ? [why] : null);
  const variant = row.tags['variant'];
  const plain = story !== null && notes('route').length === 0;
  const routed = plain
    ? ['no rule and no variant']
    : variant === undefined || story !== null
      ? []
      : [`booked as variant ${variant}`];
  const waited = story === null ? [] : [`waited ${round(story.queueMs)} ms for a place`];
  const backend = row.backend ?? 'a backend';
  const asked = attempts.length === 1 ? `${backend} was asked` : `${row.attempts} attempts`;
  return {
    authenticate: [`the key ${keyName === null ? row.keyId : `"${keyName}"`} was accepted`],
    read: refusal('read') ?? [row.streamed ? 'asked for a stream' : 'asked for one answer'],
    authorize: refusal('authorize') ?? [
      row.model === ''
        ? `the endpoint ${row.endpoint} was allowed`
        : `${row.endpoint} and the model ${row.model} were allowed`,
    ],
    limit: refusal('limit') ?? ['let in'],
    route: [...notes('route'), ...(refusal('route') ?? routed)],
    reserve: [...notes('reserve'), ...(refusal('reserve') ?? heldInWords(story))],
    queue: [...notes('queue'), ...(refusal('queue') ?? waited)],
    record: refusal('record') ?? ['written into the books before a backend was asked'],
    forward: [
      ...notes('forward'),
      ...(endedIn === 'forward' ? [`${asked}; ${endingOf(row)}`] : [asked]),
    ],
    meter: [
      SOURCES[row.usageSource] ?? row.usageSource,
      ...(endedIn === 'meter' ? [endingOf(row)] : []),
    ],
    settle: [settledInWords(row, cost), `row ${row.seq} of the books`],
  };
}

function heldInWords(story: StoryTrace | null): string[] {
  if (story === null) return ['the most that it could cost was held'];
  const { heldUsd, outputLimit } = story;
  const told = outputLimit === null ? '' : `; backends were told to stop at ${outputLimit} tokens`;
  return [`$${heldUsd} was held, the most that it could cost${told}`];
}

const SOURCES: Readonly<Record<string, string>> = {
  reported: 'the backend has stated what was used',
  counted: 'llmgate has counted what was used; the backend has not stated it',
  clamped: 'the backend has stated more than can be; llmgate has cut it down',
  none: 'nothing was used',
};

function settledInWords({ outcome, estimated }: FoundRequest, { cost_usd }: CostView): string {
  if (outcome === 'refused') return 'nothing was owed';
  if (cost_usd === null) return 'the model has no price: what it cost is unknown';
  return `$${cost_usd} was owed${estimated ? ', by an estimate' : ''}`;
}

function unknownOf({ row, story, hasGateway }: FinishedFacts): string[] {
  if (story !== null) return [];
  if (row.attempts === 0) return [];
  if (!hasGateway) {
    return ['No gateway is running: only the books were asked, which do not say why.'];
  }
  if (row.attempts > 1) {
    return [
      'Why each backend was chosen is forgotten: it is remembered of the last unusual requests, ' +
        'until the gateway ends.',
    ];
  }
  return ['It went the usual way: the reasons of such requests are not remembered.'];
}

function toUsageView({ usage, usageSource, estimated }: FoundRequest): UsageView {
  return {
    source: usageSource,
    estimated,
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    audio_input_tokens: usage.audioInputTokens,
    image_input_tokens: usage.imageInputTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
    audio_output_tokens: usage.audioOutputTokens,
    image_output_tokens: usage.imageOutputTokens,
  };
}
