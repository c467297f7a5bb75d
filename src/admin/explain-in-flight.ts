import { fromMemory, round, tellWhatFollowed } from './explain-attempts.ts';
import type { ExplainView } from './explain-schemas.ts';
import { notesByStage, runningStages, type StageWords } from './explain-stages.ts';
import type { InFlightTrace } from './live-explain.ts';

/** A request that goes on: as far as it has come. */
export function explainInFlight(trace: InFlightTrace): ExplainView {
  const { request, tenant, tags, bodyBytes, notes } = trace;
  const attempts = tellWhatFollowed(fromMemory(request.attempts), notes, null);
  const backendMs = request.attempts.reduce(
    (sum, { start_ms, end_ms }) => sum + (end_ms ?? request.age_ms) - start_ms,
    0,
  );
  return {
    id: request.id,
    state: 'in_flight',
    known_from: ['flight'],
    who: {
      key_id: request.key_id,
      key_name: request.key_name,
      ...{ user: request.user, team: request.team, tenant, tags: { ...tags } },
    },
    what: {
      ...{ endpoint: request.endpoint, model: request.model, backend: request.backend },
      answered_by: request.attempts.at(-1)?.model ?? null,
      ...{ streamed: request.streamed, body_bytes: bodyBytes },
      ...{ outcome: null, code: null, status: null },
    },
    stages: runningStages(request.stage, wordsOf(trace)),
    attempts,
    attempt_count: attempts.length,
    notes: notes.map((note) => ({ ...note })),
    usage: null,
    cost: null,
    counted_to: [],
    timing: {
      started_at: request.started_at,
      finished_at: null,
      duration_ms: request.age_ms,
      queue_ms: request.queue_ms,
      first_token_ms: request.ttft_ms,
      backend_ms: attempts.length === 0 ? null : round(backendMs),
      gateway_ms: null,
    },
    audit: null,
    content_kept: false,
    unknown: ['It is still going on: what it has used and costs is settled at its end.'],
  };
}

function wordsOf({ request, heldUsd, bodyBytes, notes }: InFlightTrace): StageWords {
  const firstMs = request.attempts[0]?.start_ms ?? Number.POSITIVE_INFINITY;
  const noted = notesByStage(notes, firstMs);
  const size = bodyBytes === null ? '' : `${bodyBytes} bytes; `;
  return {
    authenticate: [`the key "${request.key_name}" was accepted`],
    read: [
      `${size}${request.streamed ? 'asks for a stream' : 'asks for one answer'}`,
      `about ${request.input_tokens} tokens of input, estimated`,
    ],
    authorize: [`${request.endpoint} and the model ${request.model} were allowed`],
    limit: ['let in'],
    route: noted.get('route') ?? [],
    reserve: [...(noted.get('reserve') ?? []), `$${heldUsd} is held until it ends`],
    queue: [
      ...(noted.get('queue') ?? []),
      ...(request.stage === 'queue' ? [] : [`waited ${request.queue_ms} ms for a place`]),
    ],
    record: ['written into the books before a backend was asked'],
    forward: [
      ...(noted.get('forward') ?? []),
      `${request.backend ?? 'a backend'} is asked, attempt ${request.attempts.length}`,
    ],
    meter: [`${request.output_tokens} tokens of output so far`],
  };
}
