import type { LiveBackend } from '../../observe/live-document.ts';
import { renderMs, renderPart, renderTimeOfDay, UNKNOWN } from '../figures.ts';
import type { Tone } from '../paint.ts';
import type { Field } from '../table.ts';
import { createTableScreen } from '../table-screen.ts';

/** One word for what health, operators and the process make of it. */
export function stateOf({ state, drained }: LiveBackend): string {
  return drained ? 'drained' : state;
}

export function toneOfState(backend: LiveBackend): Tone {
  const state = stateOf(backend);
  if (state === 'up') return 'good';
  if (state === 'down') return 'bad';
  return state === 'drained' || state === 'warming' ? 'warn' : 'plain';
}

function placesOf({ in_flight, places }: LiveBackend): string {
  return places === null ? String(in_flight) : `${in_flight}/${places}`;
}

function engineOf({ engine }: LiveBackend): string {
  return engine === null ? UNKNOWN : `${engine.running}+${engine.waiting}`;
}

export const backendsScreen = createTableScreen<LiveBackend>('backends', {
  empty: () => 'no backends are configured',
  columns: [
    { title: 'BACKEND', width: 'fill', text: ({ id }) => id },
    { title: 'STATE', width: 8, text: stateOf, tone: toneOfState },
    {
      ...{ title: 'BREAKER', width: 9 },
      text: ({ breaker }) => breaker.replace('_', ' '),
      tone: ({ breaker }) => (breaker === 'closed' ? 'plain' : 'warn'),
    },
    {
      ...{ title: 'BUSY', width: 7, align: 'right' },
      text: placesOf,
      value: ({ in_flight }) => in_flight,
    },
    {
      ...{ title: 'ENGINE', width: 7, align: 'right' },
      text: engineOf,
      value: ({ engine }) => engine?.running ?? null,
    },
    {
      ...{ title: 'KV', width: 5, align: 'right' },
      text: ({ engine }) => renderPart(engine?.kv_used ?? null),
      value: ({ engine }) => engine?.kv_used ?? null,
      tone: ({ engine }) => ((engine?.kv_used ?? 0) >= 0.9 ? 'warn' : 'plain'),
    },
    {
      ...{ title: 'TTFT', width: 7, align: 'right' },
      text: ({ ttft_ms }) => renderMs(ttft_ms),
      value: ({ ttft_ms }) => ttft_ms,
    },
    {
      ...{ title: 'FAIL', width: 5, align: 'right' },
      text: ({ failure_rate }) => renderPart(failure_rate),
      value: ({ failure_rate }) => failure_rate,
      tone: ({ failure_rate }) => (failure_rate >= 0.1 ? 'bad' : 'plain'),
    },
    {
      ...{ title: 'PROCESS', width: 8 },
      text: ({ process }) => process?.state ?? UNKNOWN,
      tone: ({ process }) => (process?.state === 'failed' ? 'bad' : 'plain'),
    },
    { title: 'PROBLEM', width: 'fill', from: 110, text: problemOf, tone: () => 'bad' },
  ],
  rows: ({ document }) => document?.backends ?? [],
  id: ({ id }) => id,
  search: (backend) => `${backend.id} ${backend.type} ${backend.url} ${stateOf(backend)}`,
  detail: (backend) => [
    ['backend', backend.id],
    ['type', backend.type],
    ['url', backend.url],
    ['state', stateOf(backend)],
    ['problem', problemOf(backend) || 'none'],
    ['checked', backend.checked_at === null ? 'never' : renderTimeOfDay(backend.checked_at)],
    ['breaker', `${backend.breaker.replace('_', ' ')}, opened ${backend.breaker_opened} times`],
    [
      'failures',
      `${backend.failures} since the start, ${renderPart(backend.failure_rate)} of late`,
    ],
    ['in flight', placesOf(backend)],
    ['first token', renderMs(backend.ttft_ms)],
    ...engineFields(backend),
    ...processFields(backend),
  ],
});

function problemOf({ problem, process }: LiveBackend): string {
  return problem ?? process?.problem ?? '';
}

function engineFields({ engine }: LiveBackend): Field[] {
  if (engine === null) return [['engine', 'says nothing of its load']];
  const { running, waiting, kv_used } = engine;
  return [
    ['engine', `${running} running, ${waiting} in its own queue`],
    ['KV cache', kv_used === null ? 'not told' : `${renderPart(kv_used)} used`],
  ];
}

function processFields({ process }: LiveBackend): Field[] {
  if (process === null) return [['process', 'not started by llmgate']];
  const { state, pid, group, gpus, in_use, waiting, starts, crashes } = process;
  return [
    ['process', pid === null ? state : `${state}, pid ${pid}`],
    ['started', `${starts} times, ${crashes} crashes`],
    ['used by', `${in_use} requests, ${waiting} wait for it`],
    ['group', group ?? 'none'],
    ['GPUs', gpus.join(', ') || 'none'],
  ];
}
