import type { FinishedRequest, LiveAttempt, LiveRequest } from '../../observe/live-document.ts';
import { renderCount, renderMs, renderTimeOfDay, renderUsd, UNKNOWN } from '../figures.ts';
import type { Tone } from '../paint.ts';
import type { TopState } from '../state.ts';
import type { Field } from '../table.ts';
import { createTableScreen } from '../table-screen.ts';

export type RequestRow =
  | { readonly kind: 'live'; readonly request: LiveRequest }
  | { readonly kind: 'finished'; readonly request: FinishedRequest };

/** Those in flight, then those that have ended since this was opened. */
export function listRequests({ document, finished }: TopState): RequestRow[] {
  if (document === null) return [];
  return [
    ...(document.requests ?? []).map((request) => ({ kind: 'live', request }) as const),
    ...finished.map((request) => ({ kind: 'finished', request }) as const),
  ];
}

/** The stage it is in, or how it ended. */
function stateOf(row: RequestRow): string {
  if (row.kind === 'live') return row.request.stage;
  return row.request.code ?? row.request.outcome;
}

function toneOf(row: RequestRow): Tone {
  if (row.kind === 'live') return row.request.stage === 'queue' ? 'warn' : 'good';
  return row.request.outcome === 'served' ? 'plain' : 'bad';
}

function durationOf(row: RequestRow): number {
  return row.kind === 'live' ? row.request.age_ms : row.request.duration_ms;
}

/** What tells one from another: the beginning of a UUIDv7 is the time. */
function shortId({ request }: RequestRow): string {
  return request.id.slice(-6);
}

export const requestsScreen = createTableScreen<RequestRow>('requests', {
  empty: () => 'no requests yet',
  columns: [
    {
      title: 'START',
      width: 8,
      from: 100,
      text: ({ request }) => renderTimeOfDay(request.started_at),
    },
    { title: 'ID', width: 6, text: shortId },
    { title: 'STATE', width: 12, text: stateOf, tone: toneOf },
    { title: 'MODEL', width: 'fill', text: ({ request }) => request.model },
    { title: 'KEY', width: 'fill', text: ({ request }) => request.key_name },
    { title: 'USER', width: 'fill', from: 130, text: ({ request }) => request.user ?? '' },
    { title: 'BACKEND', width: 8, text: ({ request }) => request.backend ?? UNKNOWN },
    {
      ...{ title: 'QUEUE', width: 7, align: 'right', from: 100 },
      text: ({ request }) => renderMs(request.queue_ms),
      value: ({ request }) => request.queue_ms,
    },
    {
      ...{ title: 'TTFT', width: 7, align: 'right' },
      text: ({ request }) => renderMs(request.ttft_ms),
      value: ({ request }) => request.ttft_ms,
    },
    {
      ...{ title: 'TIME', width: 7, align: 'right' },
      text: (row) => renderMs(durationOf(row)),
      value: durationOf,
    },
    {
      ...{ title: 'IN', width: 6, align: 'right', from: 100 },
      text: ({ request }) => renderCount(request.input_tokens),
      value: ({ request }) => request.input_tokens,
    },
    {
      ...{ title: 'OUT', width: 5, align: 'right' },
      text: ({ request }) => renderCount(request.output_tokens),
      value: ({ request }) => request.output_tokens,
    },
    {
      ...{ title: 'COST', width: 9, align: 'right', from: 100 },
      text: costOf,
      value: (row) => (row.kind === 'live' ? null : Number(row.request.cost_usd ?? 0)),
    },
  ],
  rows: listRequests,
  id: ({ request }) => request.id,
  search: (row) => {
    const { id, model, key_name, user, team, backend, endpoint } = row.request;
    return [id, stateOf(row), model, key_name, user, team, backend, endpoint].join(' ');
  },
  detail: (row) => [
    ['request', row.request.id],
    ['started', row.request.started_at],
    ['endpoint', `${row.request.endpoint}${row.request.streamed ? ', streamed' : ''}`],
    ['key', `${row.request.key_name} (${row.request.key_id || 'not known yet'})`],
    ['user, team', `${row.request.user ?? 'none'}, ${row.request.team ?? 'none'}`],
    ['model', row.request.model || 'not known yet'],
    ['backend', row.request.backend ?? 'none yet'],
    ...(row.kind === 'live' ? liveFields(row.request) : finishedFields(row.request)),
  ],
});

function costOf(row: RequestRow): string {
  if (row.kind === 'live') return UNKNOWN;
  const { cost_usd } = row.request;
  return cost_usd === null ? UNKNOWN : renderUsd(Number(cost_usd));
}

function liveFields(request: LiveRequest): Field[] {
  return [
    ['stage', request.stage],
    ['age', renderMs(request.age_ms)],
    ['queue', renderMs(request.queue_ms)],
    ['first token', request.ttft_ms === null ? 'not yet' : renderMs(request.ttft_ms)],
    ['tokens', `${request.input_tokens} in (estimate), ${request.output_tokens} out so far`],
    ...attemptFields(request.attempts),
  ];
}

function finishedFields(request: FinishedRequest): Field[] {
  const { price } = request;
  const parts = `${request.cached_input_tokens} cached, ${request.reasoning_tokens} reasoning`;
  return [
    ['outcome', request.code === null ? request.outcome : `${request.outcome}: ${request.code}`],
    ['status', `HTTP ${request.status}`],
    ['took', renderMs(request.duration_ms)],
    ['queue', renderMs(request.queue_ms)],
    ['backend time', renderMs(request.backend_ms)],
    ['gateway time', renderMs(gatewayMs(request))],
    ['first token', renderMs(request.ttft_ms)],
    ['tokens', `${request.input_tokens} in, ${request.output_tokens} out; ${parts}`],
    ['counted by', request.estimated ? 'llmgate' : 'the backend'],
    ['cost', request.cost_usd === null ? 'the model has no price' : `$${request.cost_usd}`],
    ...(price === null
      ? []
      : [
          [
            'price',
            `$${price.input_per_million_usd} in, $${price.output_per_million_usd} out per million tokens`,
          ] as const,
        ]),
    ['attempts', String(request.attempt_count)],
    ...attemptFields(request.attempts),
    ...request.notes.map(({ at_ms, text }) => [`at ${renderMs(at_ms)}`, text] as const),
    ['more', `llmgate explain ${request.id}`],
  ];
}

/** What neither backends nor the line took. */
function gatewayMs({ duration_ms, queue_ms, backend_ms }: FinishedRequest): number | null {
  return backend_ms === null ? null : Math.max(0, duration_ms - queue_ms - backend_ms);
}

function attemptFields(attempts: readonly LiveAttempt[]): Field[] {
  return attempts.map((attempt, at) => {
    const { backend, model, reason, start_ms, end_ms, first_token_ms, code, status } = attempt;
    const said = status === null ? '' : `, HTTP ${status}`;
    const token = first_token_ms === null ? '' : `, first token at ${renderMs(first_token_ms)}`;
    const end = end_ms === null ? ', goes on' : `, ended at ${renderMs(end_ms)}`;
    return [
      `attempt ${at + 1}`,
      `${backend} as ${model} (${reason}) from ${renderMs(start_ms)}${token}${end}${said}: ${code ?? 'ok'}`,
    ];
  });
}
