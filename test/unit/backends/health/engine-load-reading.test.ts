import { describe, expect, test } from 'vitest';
import { createBackend } from '../../../../src/backends/backend.ts';
import type { FaultInput } from '../../../../src/mock/fault.ts';
import { createHealthSpec, type HealthLab, openHealthLab } from '../../../support/health-lab.ts';
import { startTestMock, type TestMock } from '../../../support/start-mock.ts';

const METRICS = { healthPath: null, metricsPath: '/metrics' };

function tell(mock: TestMock, running: number, waiting: number): void {
  const text = `vllm:num_requests_running 0\nvllm:num_requests_running ${running}\nvllm:num_requests_waiting ${waiting}\n`;
  answer(mock, {
    kind: 'raw',
    text: `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
    ends_with: 'keep',
  });
}

function answer(mock: TestMock, fault: FaultInput): void {
  mock.reset();
  mock.script({ match: { path: '/metrics' }, fault, times: 100_000 });
}

function asked(mock: TestMock): number {
  return mock.requests({ probes: true }).filter(({ path }) => path === '/metrics').length;
}

/** Lets time go on in small steps, so that answers come in it. */
async function spend(lab: HealthLab, mock: TestMock, durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 100) {
    await lab.pass(100);
    await mock.untilIdle();
    await lab.pass(0);
  }
}

describe('the load of a backend', () => {
  test('is read again and again, and told when it is another', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    tell(mock, 3, 1);
    const board = lab.open([createHealthSpec('gpu0', mock.url, METRICS)]);
    const load = () => board.replica('gpu0')?.engineLoad(lab.nowMs());
    expect(load()).toBeNull();
    await lab.inTime(() => load() !== null);
    expect(load()).toEqual({ running: 3, waiting: 1, kvUsed: null });
    expect(board.views(lab.nowMs())[0]?.load).toEqual(load());
    await lab.pass(0);
    const early = lab.changes;
    await spend(lab, mock, 5_000);
    expect(lab.changes).toBe(early); // The same load is no news.
    expect(asked(mock)).toBeGreaterThanOrEqual(4);
    expect(asked(mock)).toBeLessThanOrEqual(7);
    const changes = lab.changes;
    tell(mock, 4, 0);
    await lab.inTime(() => load()?.running === 4);
    await lab.pass(0);
    expect(lab.changes).toBe(changes + 1);
  });

  test.each<[string, FaultInput]>([
    ['silence', { kind: 'stall' }],
    ['an error', { kind: 'status', status: 500 }],
    ['a reset', { kind: 'reset' }],
    ['more than a megabyte', { kind: 'status', status: 200, body: 'x'.repeat(2_000_000) }],
  ])('is not believed for longer than three intervals of %s', async (_what, fault) => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    tell(mock, 3, 1);
    const board = lab.open([createHealthSpec('gpu0', mock.url, METRICS)]);
    const load = () => board.replica('gpu0')?.engineLoad(lab.nowMs());
    await lab.inTime(() => load() !== null);
    const readMs = lab.nowMs();
    answer(mock, fault);
    await lab.inTime(() => load() === null);
    expect(lab.nowMs() - readMs).toBeGreaterThan(2_900);
    expect(lab.nowMs() - readMs).toBeLessThan(3_300);
    expect(lab.transitions).toEqual([]); // Load is no health.
    tell(mock, 5, 0);
    await lab.inTime(() => load()?.running === 5);
  });

  test.each<[string, FaultInput]>([
    ['no such page', { kind: 'status', status: 404 }],
    ['not allowed', { kind: 'status', status: 401 }],
    ['a page of something else', { kind: 'html' }],
  ])('is asked for once a minute where there is none: %s', async (_what, fault) => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    answer(mock, fault);
    lab.open([createHealthSpec('gpu0', mock.url, METRICS)]);
    await lab.inTime(() => asked(mock) === 1);
    await spend(lab, mock, 47_000);
    expect(asked(mock)).toBe(1);
    await spend(lab, mock, 26_000);
    expect(asked(mock)).toBe(2);
  });

  test('is read at the path of the backend, with its key', async () => {
    await using mock = await startTestMock({ apiKey: 'sk-of-backend' });
    await using lab = openHealthLab();
    const url = `${mock.url}/base`;
    const spec = { type: 'vllm', url, headers: [], discover: false };
    const backend = createBackend({ id: 'gpu0', apiKeys: ['sk-of-backend'], ...spec });
    lab.open([{ ...createHealthSpec('gpu0', url, { metricsPath: '/metrics' }), backend }]);
    const seen = () => mock.requests({ probes: true }).map(({ path }) => path);
    await lab.inTime(() => seen().length >= 2);
    expect(seen().toSorted()).toEqual(['/base/health', '/base/metrics']);
    const wrong = mock.requests({ probes: true }).filter(({ authorized }) => !authorized);
    expect(wrong).toEqual([]);
  });

  test('of twenty that hang does not keep the others from being read', async () => {
    await using well = await startTestMock();
    await using silent = await startTestMock();
    await using lab = openHealthLab();
    tell(well, 1, 0);
    answer(silent, { kind: 'stall' });
    const board = lab.open([
      ...Array.from({ length: 20 }, (_none, at) => createHealthSpec(`s${at}`, silent.url, METRICS)),
      createHealthSpec('gpu0', well.url, METRICS),
    ]);
    const startMs = lab.nowMs();
    await lab.inTime(() => board.replica('gpu0')?.engineLoad(lab.nowMs()) !== null);
    expect(lab.nowMs() - startMs).toBeLessThan(3_000);
    const [open] = lab.client.stats().map((each) => each.open);
    expect(open).toBeLessThanOrEqual(16);
  });
});
