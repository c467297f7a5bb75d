import { describe, expect, test } from 'vitest';
import { decideResidency, type Resident } from '../../../../src/backends/process/residency.ts';

const GB = 1e9;
const NOW = 1_000_000;
const FAIRNESS_MS = 30_000;

/** An absent process that nobody wants, and that takes half of GPU 0. */
function resident(id: string, more: Partial<Resident> = {}): Resident {
  return {
    ...{ id, gpus: [0], memoryBytes: 40 * GB, group: null, phase: 'absent', sinceMs: 0, inUse: 0 },
    ...{ idleSinceMs: 0, isDraining: false, wantedSinceMs: null, notBeforeMs: 0 },
    ...{ isPreloaded: false, retiredSinceMs: null, idleTtlMs: null, minResidencyMs: 60_000 },
    loadMs: 20_000,
    ...more,
  };
}

const ready = (id: string, more: Partial<Resident> = {}) =>
  resident(id, { phase: 'ready', sinceMs: NOW - 600_000, idleSinceMs: NOW - 300_000, ...more });
const wanted = (id: string, forMs: number, more: Partial<Resident> = {}) =>
  resident(id, { wantedSinceMs: NOW - forMs, ...more });

function decide(...residents: Resident[]) {
  const { start, stop, drain, nextMs } = decideResidency({
    residents,
    capacity: { gpuBytes: new Map([[0, 80 * GB]]), machineBytes: 64 * GB },
    fairnessMs: FAIRNESS_MS,
    nowMs: NOW,
  });
  return {
    start,
    stop: stop.map(({ id, why }) => `${id} ${why}`),
    drain,
    inMs: nextMs && nextMs - NOW,
  };
}

const whole = { memoryBytes: null };

interface Row {
  readonly name: string;
  readonly given: readonly Resident[];
  readonly start?: readonly string[];
  readonly stop?: readonly string[];
  readonly drain?: readonly string[];
  /** Milliseconds from now. */
  readonly inMs?: number | null;
}

const rows: readonly Row[] = [
  { name: 'nobody wants anything', given: [resident('a'), ready('b')] },
  { name: 'wanted and room', given: [wanted('a', 0), ready('b')], start: ['a'] },
  {
    name: 'the idle one makes room at once, and the other starts when it is gone',
    given: [wanted('a', 0, whole), ready('b')],
    stop: ['b room'],
  },
  {
    name: 'while it is being stopped its memory is not free',
    given: [wanted('a', 0, whole), resident('b', { phase: 'stopping' })],
  },
  {
    name: 'not before its minimum residency',
    given: [
      wanted('a', 0, whole),
      ready('b', { sinceMs: NOW - 50_000, idleSinceMs: NOW - 50_000 }),
    ],
    inMs: 10_000,
  },
  {
    name: 'between two requests it is not idle: it has not served as long as it took to load',
    given: [
      wanted('a', 0, whole),
      ready('b', { sinceMs: NOW - 80_000, idleSinceMs: NOW - 1_000, loadMs: 100_000 }),
    ],
    inMs: 4_000,
  },
  {
    name: 'one in use serves on until the other has waited its time',
    given: [wanted('a', 10_000, whole), ready('b', { inUse: 3 })],
    inMs: 20_000,
  },
  {
    name: 'then it takes no more requests',
    given: [wanted('a', FAIRNESS_MS, whole), ready('b', { inUse: 3 })],
    drain: ['b'],
  },
  {
    name: 'and stops with the last of them',
    given: [wanted('a', 40_000, whole), ready('b', { isDraining: true, idleSinceMs: NOW - 5_000 })],
    stop: ['b room'],
  },
  {
    name: 'the idle one goes, not the one in use, however cheap that is',
    given: [
      wanted('a', FAIRNESS_MS),
      ready('b', { inUse: 1, loadMs: 1 }),
      ready('c', { loadMs: 600_000, idleSinceMs: NOW - 6_000 }),
    ],
    stop: ['c room'],
  },
  {
    name: 'the one being drained stays the one',
    given: [
      wanted('a', 40_000),
      ready('b', { inUse: 5, isDraining: true, loadMs: 60_000 }),
      ready('c', { inUse: 1, loadMs: 1_000 }),
    ],
    drain: ['b'],
  },
  {
    name: 'longest idle first',
    given: [wanted('a', 0), ready('b', { idleSinceMs: NOW - 60_000 }), ready('c')],
    stop: ['c room'],
  },
  {
    name: 'cheapest to load again first',
    given: [wanted('a', 0), ready('b', { loadMs: 300_000 }), ready('c', { loadMs: 5_000 })],
    stop: ['c room'],
  },
  {
    name: 'one large or two small: what is cheaper together',
    given: [
      wanted('a', 0),
      ready('big', { memoryBytes: 40 * GB, loadMs: 90_000 }),
      ready('s1', { memoryBytes: 20 * GB, loadMs: 5_000 }),
      ready('s2', { memoryBytes: 20 * GB, loadMs: 5_000 }),
    ],
    stop: ['s1 room', 's2 room'],
  },
  {
    name: 'an idle one is kept while another that must go too still answers',
    given: [wanted('a', FAIRNESS_MS, whole), ready('b', { inUse: 1 }), ready('c')],
    drain: ['b', 'c'],
  },
  {
    name: 'an older wish whose time has come is not overtaken',
    given: [
      wanted('a', 40_000, whole),
      ready('b', { inUse: 1 }),
      wanted('c', 1_000, { memoryBytes: 10 * GB }),
    ],
    drain: ['b'],
    inMs: 29_000,
  },
  {
    name: 'before its time a younger one that fits may start',
    given: [
      wanted('a', 5_000, whole),
      ready('b', { inUse: 1 }),
      wanted('c', 1_000, { memoryBytes: 10 * GB }),
    ],
    start: ['c'],
    inMs: 25_000,
  },
  {
    name: 'two do not load on one GPU at a time',
    given: [wanted('a', 2_000), wanted('b', 1_000)],
    start: ['a'],
    inMs: 29_000,
  },
  {
    name: 'unless one waits for too long',
    given: [wanted('a', FAIRNESS_MS), resident('b', { phase: 'starting', wantedSinceMs: NOW })],
    start: ['a'],
  },
  {
    name: 'on different GPUs they do',
    given: [wanted('a', 2_000), wanted('b', 1_000, { gpus: [1] })],
    start: ['a', 'b'],
  },
  {
    name: 'of one group only one runs, wherever',
    given: [wanted('a', 0, { group: 'g', gpus: [1] }), ready('b', { group: 'g', inUse: 1 })],
    inMs: FAIRNESS_MS,
  },
  {
    name: 'a GPU of unknown size holds one',
    given: [wanted('a', 0, { gpus: [7] }), ready('b', { gpus: [7], inUse: 1 })],
    inMs: FAIRNESS_MS,
  },
  {
    name: 'without GPUs the memory of the machine counts',
    given: [wanted('a', 0, { gpus: [] }), ready('b', { gpus: [], memoryBytes: 20 * GB })],
    start: ['a'],
  },
  {
    name: 'and may not be exceeded',
    given: [wanted('a', 0, { gpus: [] }), ready('b', { gpus: [], memoryBytes: 30 * GB })],
    stop: ['b room'],
  },
  {
    name: 'one that asks for more than there is runs alone',
    given: [wanted('a', 0, { memoryBytes: 90 * GB })],
    start: ['a'],
  },
  {
    name: 'after a failure not before its time',
    given: [wanted('a', 40_000, { notBeforeMs: NOW + 3_000 }), ready('b', { inUse: 1 })],
    inMs: 3_000,
  },
  {
    name: 'unused for its time it stops',
    given: [ready('a', { idleTtlMs: 300_000 }), ready('b', { idleTtlMs: 400_000 })],
    stop: ['a idle'],
    inMs: 100_000,
  },
  { name: 'in use it does not', given: [ready('a', { idleTtlMs: 1_000, inUse: 1 })] },
  {
    name: 'preloaded: when there is room',
    given: [resident('a', { isPreloaded: true }), ready('b')],
    start: ['a'],
  },
  {
    name: 'preloaded: stops nobody',
    given: [resident('a', { isPreloaded: true, ...whole }), ready('b')],
  },
  {
    name: 'preloaded: not into the place of who waits',
    given: [
      resident('a', { isPreloaded: true }),
      wanted('b', 1_000, whole),
      ready('c', { inUse: 1 }),
    ],
    inMs: 29_000,
  },
  {
    name: 'changed and unused: stops',
    given: [ready('a', { retiredSinceMs: NOW })],
    stop: ['a changed'],
  },
  {
    name: 'changed and used: serves on for a while',
    given: [ready('a', { retiredSinceMs: NOW, inUse: 1 })],
    inMs: FAIRNESS_MS,
  },
  {
    name: 'changed and used without end: takes no more',
    given: [ready('a', { retiredSinceMs: NOW - FAIRNESS_MS, inUse: 1 })],
    drain: ['a'],
  },
  {
    name: 'a load that nobody waits for any more gives way, but not at once',
    given: [wanted('a', 10_000, whole), resident('b', { phase: 'starting' })],
    inMs: 20_000,
  },
  {
    name: 'a load that nobody waits for any more gives way',
    given: [wanted('a', FAIRNESS_MS, whole), resident('b', { phase: 'starting' })],
    stop: ['b room'],
  },
];

describe('who is resident', () => {
  test.each(rows)('$name', ({ given, start = [], stop = [], drain = [], inMs = null }) => {
    expect(decide(...given)).toEqual({ start, stop, drain, inMs });
  });

  test('more candidates than all sets could be tried of', () => {
    const small = Array.from({ length: 16 }, (_, index) =>
      ready(`m${index}`, { memoryBytes: 5 * GB, loadMs: 1_000 * (index + 1) }),
    );
    const { stop } = decide(wanted('a', 0, { memoryBytes: 12 * GB }), ...small);
    expect(stop).toEqual(['m0 room', 'm1 room', 'm2 room']);
  });
});
