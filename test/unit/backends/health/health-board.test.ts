import { describe, expect, test } from 'vitest';
import type { AttemptVerdict, HealthBoard } from '../../../../src/backends/health/health.ts';
import { openHealthBoard } from '../../../../src/backends/health/open-health-board.ts';
import { openHttpClient } from '../../../../src/backends/http1/client.ts';
import type { ProcessState } from '../../../../src/backends/process/engine-processes.ts';
import { startWatchdog } from '../../../../src/backends/watchdog.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import type { FaultInput } from '../../../../src/mock/fault.ts';
import { createHealthSpec, LAB_SETTINGS, openHealthLab } from '../../../support/health-lab.ts';
import { startTestMock, type TestMock } from '../../../support/start-mock.ts';

/** A port that nobody listens on. */
async function findClosedUrl(): Promise<string> {
  const mock = await startTestMock();
  await mock.stop();
  return mock.url;
}

/** What the mock does to those who ask how it is; other probes get their answer. */
function misbehave(mock: TestMock, fault: FaultInput): void {
  mock.script({ match: { path: '/health' }, fault, times: 100_000 });
}

function viewOf(board: HealthBoard, nowMs: number, id = 'gpu0') {
  const view = board.views(nowMs).find((each) => each.id === id);
  if (view === undefined) throw new Error(`no ${id}`);
  return view;
}

describe('probes', () => {
  test('a backend nobody has asked yet takes requests, and is up after the first answer', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    expect(board.accepts('gpu0', lab.nowMs())).toBe(true);
    expect(viewOf(board, lab.nowMs())).toMatchObject({ state: 'unknown', checkedAtMs: null });
    await lab.inTime(() => lab.transitions.length > 0);
    expect(lab.transitions).toEqual(['gpu0 unknown/closed>up/closed']);
    const view = viewOf(board, lab.nowMs());
    expect(view).toMatchObject({ state: 'up', accepts: true, share: 1, problem: null });
    expect(view.checkedAtMs).not.toBeNull();
    expect(mock.requests({ probes: true }).map(({ path }) => path)).toEqual(['/health']);
  });

  test('come in their interval, with jitter, and never ask for models', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    lab.open([createHealthSpec('gpu0', mock.url)]);
    const asked = () => mock.requests({ probes: true });
    for (let passedMs = 0; passedMs < 30_000; passedMs += 100) {
      await lab.pass(100);
      await mock.untilIdle();
    }
    expect(asked().length).toBeGreaterThanOrEqual(6);
    expect(asked().length).toBeLessThanOrEqual(7);
    expect(new Set(asked().map(({ path }) => path))).toEqual(new Set(['/health']));
  });

  test('a backend that stops answering is down after three, and back after two', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'up');
    mock.refuse();
    mock.dropConnections();
    const goneMs = lab.nowMs();
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'down');
    // One interval, then a second between, as the state is in doubt.
    expect(lab.nowMs() - goneMs).toBeLessThan(8_000);
    expect(board.accepts('gpu0', lab.nowMs())).toBe(false);
    expect(board.replica('gpu0')?.isComing).toBe(false);
    expect(viewOf(board, lab.nowMs()).problem).toContain('ECONNREFUSED');
    mock.accept();
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'up');
    expect(viewOf(board, lab.nowMs())).toMatchObject({ accepts: true, problem: null });
    expect(lab.transitions.slice(1)).toEqual([
      'gpu0 up/closed>down/closed',
      'gpu0 down/closed>up/closed',
    ]);
  });

  test.each([
    ['status 500', 'down', { kind: 'status', status: 500 }],
    ['status 302: nobody follows', 'down', { kind: 'redirect' }],
    ['a reset', 'down', { kind: 'reset' }],
    ['half a head', 'down', { kind: 'raw', text: 'HTTP/1.1 200 OK\r\nx', ends_with: 'fin' }],
    ['llama.cpp’s words', 'warming', { kind: 'loading' }],
    ['no such path', 'unknown', { kind: 'status', status: 404 }],
    ['no content', 'up', { kind: 'no_content' }],
    ['HTML', 'up', { kind: 'html' }],
  ] as const)('%s makes it %s', async (_what, state, fault) => {
    await using mock = await startTestMock();
    misbehave(mock, fault);
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    let probes = 0;
    while (probes < 4) {
      await lab.pass(100);
      await mock.untilIdle();
      probes = mock.requests({ probes: true }).length;
    }
    await lab.inTime(() => viewOf(board, lab.nowMs()).checkedAtMs !== null);
    expect(viewOf(board, lab.nowMs()).state).toBe(state);
    expect(board.replica('gpu0')?.isComing).toBe(state === 'warming');
  });

  test('one that has died under its requests is not waited for, however old its breaker is', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'up');
    mock.refuse();
    mock.dropConnections();
    for (let count = 0; count < 5; count++) board.note('gpu0', 'unreachable', lab.nowMs());
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'down');
    await lab.inTime(() => viewOf(board, lab.nowMs()).breaker === 'half_open');
    expect(board.accepts('gpu0', lab.nowMs())).toBe(false);
    expect(board.replica('gpu0')?.isComing).toBe(false);
  });

  test('one that hangs is given up after its timeout', async () => {
    await using mock = await startTestMock();
    misbehave(mock, { kind: 'stall' });
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'down');
    expect(viewOf(board, lab.nowMs()).problem).toContain('after 2000 ms');
  });

  test('an idle connection that the backend has closed says nothing against it', async () => {
    await using mock = await startTestMock();
    misbehave(mock, { kind: 'reset_after' });
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    for (let passedMs = 0; passedMs < 20_000; passedMs += 100) {
      await lab.pass(100);
      await mock.untilIdle();
    }
    expect(mock.requests({ probes: true }).length).toBeGreaterThan(3);
    expect(viewOf(board, lab.nowMs()).state).toBe('up');
    expect(lab.transitions).toHaveLength(1);
  });

  test('an endless body and forty silent backends hold up nobody else', async () => {
    await using well = await startTestMock();
    await using endless = await startTestMock();
    await using silent = await startTestMock();
    misbehave(endless, {
      kind: 'raw',
      text: 'HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\nx',
      ends_with: 'stall',
    });
    misbehave(silent, { kind: 'stall' });
    await using lab = openHealthLab();
    const specs = Array.from({ length: 40 }, (_none, at) => createHealthSpec(`s${at}`, silent.url));
    const board = lab.open([
      ...specs,
      createHealthSpec('endless', endless.url),
      createHealthSpec('gpu0', well.url),
    ]);
    const startMs = lab.nowMs();
    const isUp = (id: string) => viewOf(board, lab.nowMs(), id).state === 'up';
    await lab.inTime(() => isUp('gpu0') && isUp('endless'));
    expect(lab.nowMs() - startMs).toBeLessThan(3_000); // One timeout of those before it.
    expect(lab.client.stats().find(({ key }) => key === silent.url)?.open).toBeLessThanOrEqual(32);
  });

  test('come in real time too', async () => {
    await using mock = await startTestMock();
    const watchdog = startWatchdog(systemClock);
    const client = openHttpClient({ watchdog, clock: systemClock });
    const { promise, resolve } = Promise.withResolvers<string>();
    const board = openHealthBoard({
      ...{ client, clock: systemClock, config: LAB_SETTINGS, random: () => 0.5 },
      backends: [createHealthSpec('gpu0', mock.url)],
      onTransition: ({ state }) => resolve(state),
    });
    expect(await promise).toBe('up');
    board.close();
    client.close();
    watchdog.close();
  });

  test('nothing is asked after the end', async () => {
    await using mock = await startTestMock();
    misbehave(mock, { kind: 'stall' });
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    await lab.inTime(() => mock.stats().probes > 0);
    board.close();
    await lab.until(() => mock.requests({ probes: true })[0]?.ended_by === 'caller_left');
    await lab.pass(60_000);
    expect(lab.time.pending()).toEqual([]);
    expect(mock.requests({ probes: true })).toHaveLength(1);
    expect(lab.transitions).toEqual([]);
  });
});

describe('attempts', () => {
  /** A backend that nobody asks. */
  async function openQuiet() {
    const lab = openHealthLab();
    const board = lab.open([createHealthSpec('cloud', 'http://127.0.0.1:9', { healthPath: null })]);
    const view = () => viewOf(board, lab.nowMs(), 'cloud');
    const note = (verdict: AttemptVerdict, retryAfterMs?: number) =>
      board.note('cloud', verdict, lab.nowMs(), retryAfterMs);
    return { lab, board, view, note };
  }

  test('show how a backend is that has no health path', async () => {
    const { lab, view, note } = await openQuiet();
    expect(view()).toMatchObject({ state: 'unknown', accepts: true });
    note('ok');
    expect(view()).toMatchObject({ state: 'up', accepts: true });
    for (let count = 0; count < 5; count++) note('failed');
    expect(view()).toMatchObject({
      ...{ state: 'down', breaker: 'open', accepts: false, failures: 5, breakerOpened: 1 },
      problem: 'too many requests failed',
    });
    await lab.pass(1_200);
    expect(view()).toMatchObject({ state: 'down', breaker: 'half_open', accepts: true });
    note('ok');
    note('ok');
    expect(view()).toMatchObject({ state: 'up', breaker: 'closed', problem: null });
    expect(lab.transitions).toEqual([
      'cloud unknown/closed>up/closed',
      'cloud up/closed>down/open',
      'cloud down/open>down/half_open',
      'cloud down/half_open>up/closed',
    ]);
    await lab[Symbol.asyncDispose]();
  });

  test('behind a half-open breaker go one at a time', async () => {
    const { lab, board, note } = await openQuiet();
    for (let count = 0; count < 5; count++) note('unreachable');
    await lab.pass(1_200);
    const changes = lab.changes;
    const nowMs = lab.nowMs();
    board.begin('cloud', nowMs);
    expect(board.accepts('cloud', nowMs)).toBe(false);
    expect(board.replica('cloud')?.isComing).toBe(true);
    note('cancelled');
    expect(board.accepts('cloud', nowMs)).toBe(true);
    board.begin('cloud', nowMs);
    board.answered('cloud', nowMs);
    expect(board.accepts('cloud', nowMs)).toBe(true);
    await lab.pass(0);
    expect(lab.changes).toBeGreaterThan(changes); // Those in line are told.
    board.begin('cloud', nowMs);
    note('failed');
    expect(board.accepts('cloud', nowMs)).toBe(false);
    await lab[Symbol.asyncDispose]();
  });

  test.each([
    [undefined, 250, true],
    [2_000, 2_000, true],
    [30_000, 30_000, false],
    [Number.MAX_SAFE_INTEGER, 600_000, false],
  ])(
    'that meet a busy backend with a wait of %s leave it for %i ms',
    async (asked, ms, isComing) => {
      const { lab, board, view, note } = await openQuiet();
      for (let count = 0; count < 30; count++) note('busy', asked);
      expect(view()).toMatchObject({ breaker: 'closed', accepts: false, coolingMs: ms });
      expect(view().problem).toBe('it asked to be left alone');
      expect(board.replica('cloud')?.isComing).toBe(isComing);
      await lab.pass(0);
      const changes = lab.changes;
      await lab.pass(ms - 1);
      expect([view().accepts, lab.changes]).toEqual([false, changes]);
      await lab.pass(2);
      expect([view().accepts, lab.changes]).toEqual([true, changes + 1]);
      await lab[Symbol.asyncDispose]();
    },
  );

  test('that meet a model being loaded leave it for two seconds, and open nothing', async () => {
    const { lab, board, view, note } = await openQuiet();
    for (let count = 0; count < 20; count++) note('warming');
    expect(view()).toMatchObject({ state: 'warming', breaker: 'closed', accepts: false });
    expect(board.replica('cloud')?.isComing).toBe(true);
    await lab.pass(2_000);
    expect(view().accepts).toBe(true);
    await lab[Symbol.asyncDispose]();
  });

  test('that are refused or left say nothing against it', async () => {
    const { lab, view, note } = await openQuiet();
    for (let count = 0; count < 30; count++) note(count % 2 === 0 ? 'refused' : 'cancelled');
    expect(view()).toMatchObject({ breaker: 'closed', accepts: true, failures: 0 });
    await lab[Symbol.asyncDispose]();
  });

  test('that fail bring the next probe forward, and a good one closes what was out of reach', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'up');
    await lab.pass(1_500);
    for (let count = 0; count < 5; count++) board.note('gpu0', 'unreachable', lab.nowMs());
    expect(viewOf(board, lab.nowMs())).toMatchObject({ state: 'up', breaker: 'open' });
    expect(board.accepts('gpu0', lab.nowMs())).toBe(false);
    const failedMs = lab.nowMs();
    await lab.inTime(() => board.accepts('gpu0', lab.nowMs()));
    expect(lab.nowMs() - failedMs).toBeLessThan(500);
    expect(viewOf(board, lab.nowMs()).breaker).toBe('closed');
  });

  test('that fail otherwise are believed more than a good probe', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'up');
    await lab.pass(1_500);
    for (let count = 0; count < 5; count++) board.note('gpu0', 'failed', lab.nowMs());
    const probes = mock.requests({ probes: true }).length;
    await lab.inTime(() => mock.requests({ probes: true }).length > probes);
    await mock.untilIdle();
    expect(viewOf(board, lab.nowMs()).breaker).toBe('open');
    await lab.inTime(() => viewOf(board, lab.nowMs()).breaker === 'half_open');
    for (let count = 0; count < 2; count++) board.note('gpu0', 'ok', lab.nowMs());
    expect(lab.transitions.slice(1)).toEqual([
      'gpu0 up/closed>up/open',
      'gpu0 up/open>up/half_open',
      'gpu0 up/half_open>up/closed',
    ]);
  });

  test('of a backend that is not there do nothing', async () => {
    const { lab, board } = await openQuiet();
    board.note('other', 'failed', lab.nowMs());
    board.begin('other', lab.nowMs());
    board.answered('other', lab.nowMs());
    expect([board.accepts('other', 0), board.drain('other'), board.resume('other')]).toEqual([
      ...[false, false, false],
    ]);
    expect(board.replica('other')).toBeUndefined();
    await lab[Symbol.asyncDispose]();
  });
});

describe('a slow start', () => {
  test('is for those that return, not for the start of the gateway', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    const share = () => board.replica('gpu0')?.share(lab.nowMs());
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'up');
    expect(share()).toBe(1);
    mock.refuse();
    mock.dropConnections();
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'down');
    mock.accept();
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'up');
    expect(share()).toBeLessThan(0.12);
    await lab.time.advance(5_000);
    expect(share()).toBeCloseTo(0.55, 1);
    await lab.time.advance(5_000);
    expect(share()).toBe(1);
  });
});

describe('a drain', () => {
  test('takes no more, and a reload keeps it', async () => {
    await using lab = openHealthLab();
    const url = await findClosedUrl();
    const spec = createHealthSpec('gpu0', url, { healthPath: null });
    const board = lab.open([spec]);
    expect(board.drain('gpu0')).toBe(true);
    expect(board.accepts('gpu0', lab.nowMs())).toBe(false);
    expect(board.replica('gpu0')?.isComing).toBe(false);
    board.replaceBackends([spec], LAB_SETTINGS);
    expect(viewOf(board, lab.nowMs())).toMatchObject({ isDrained: true, accepts: false });
    const moved = createHealthSpec('gpu0', 'http://127.0.0.1:1', { healthPath: null });
    board.replaceBackends([moved], LAB_SETTINGS);
    expect(viewOf(board, lab.nowMs()).isDrained).toBe(true);
    board.resume('gpu0');
    expect(board.accepts('gpu0', lab.nowMs())).toBe(true);
    expect(lab.transitions).toEqual([
      'gpu0 unknown/closed>unknown/closed/drained',
      'gpu0 unknown/closed/drained>unknown/closed',
    ]);
  });
});

describe('a reload', () => {
  test('keeps what is known of a backend while its address stays', async () => {
    await using lab = openHealthLab();
    const spec = (id: string, port: number) =>
      createHealthSpec(id, `http://127.0.0.1:${port}`, { healthPath: null });
    const board = lab.open([spec('same', 1), spec('moves', 2), spec('goes', 3)]);
    for (const id of ['same', 'moves', 'goes']) {
      for (let count = 0; count < 5; count++) board.note(id, 'failed', lab.nowMs());
    }
    const same = board.replica('same');
    board.replaceBackends([spec('new', 5), spec('moves', 4), spec('same', 1)], LAB_SETTINGS);
    expect(board.views(lab.nowMs()).map(({ id, breaker }) => `${id} ${breaker}`)).toEqual([
      ...['new closed', 'moves closed', 'same open'],
    ]);
    expect(board.replica('same')).toBe(same);
    expect(board.replica('goes')).toBeUndefined();
  });

  test('to shorter intervals does not wait for the end of a long one', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    const specs = [createHealthSpec('gpu0', mock.url, { metricsPath: '/metrics' })];
    const hourly = { ...LAB_SETTINGS, intervalMs: 3_600_000, loadIntervalMs: 3_600_000 };
    const board = lab.open(specs, { config: hourly });
    await lab.inTime(() => viewOf(board, lab.nowMs()).load !== null);
    board.replaceBackends(specs, LAB_SETTINGS);
    await lab.pass(1_500);
    await mock.untilIdle();
    await lab.pass(5_000);
    await mock.untilIdle();
    const paths = mock.requests({ probes: true }).map(({ path }) => path);
    expect(paths.filter((path) => path === '/health')).toHaveLength(2);
    expect(paths.filter((path) => path === '/metrics').length).toBeGreaterThan(1);
  });

  test('brings other limits and paths', async () => {
    await using mock = await startTestMock();
    await using lab = openHealthLab();
    const board = lab.open([createHealthSpec('gpu0', mock.url)]);
    await lab.inTime(() => viewOf(board, lab.nowMs()).state === 'up');
    const over = { healthPath: '/no-such', maxConcurrency: 7 };
    board.replaceBackends([createHealthSpec('gpu0', mock.url, over)], LAB_SETTINGS);
    expect(board.replica('gpu0')?.maxConcurrency).toBe(7);
    expect(viewOf(board, lab.nowMs()).state).toBe('unknown');
    await lab.inTime(() => viewOf(board, lab.nowMs()).problem !== null || lab.nowMs() > 99_999);
    expect(mock.requests({ probes: true }).at(-1)?.path).toBe('/no-such');
  });
});

describe('a process of llmgate’s own', () => {
  function openManaged(url: string) {
    const lab = openHealthLab();
    let process: ProcessState = 'stopped';
    const board = lab.open([createHealthSpec('gpu0', url, { isManaged: true })], {
      processState: () => process,
    });
    const become = (state: ProcessState) => {
      process = state;
      board.processesChanged();
    };
    const seen = () => {
      const { state, accepts } = viewOf(board, lab.nowMs());
      return { state, accepts, isComing: board.replica('gpu0')?.isComing };
    };
    return { lab, board, become, seen };
  }

  test('takes requests while it is stopped, as they start it; is not asked; is up when it is ready', async () => {
    await using mock = await startTestMock();
    const { lab, board, become, seen } = openManaged(mock.url);
    expect(seen()).toEqual({ state: 'stopped', accepts: true, isComing: false });
    become('starting');
    expect(seen()).toEqual({ state: 'warming', accepts: false, isComing: false });
    // Whoever waits for it does so by the rules of the process, not in the line for places.
    expect(board.replica('gpu0')?.isLastResort(lab.nowMs())).toBe(true);
    await lab.pass(20_000);
    expect(mock.requests({ probes: true })).toEqual([]);
    become('ready');
    expect(seen()).toEqual({ state: 'up', accepts: true, isComing: false });
    await lab.inTime(() => mock.requests({ probes: true }).length > 0);
    become('stopping');
    expect(seen()).toEqual({ state: 'stopped', accepts: true, isComing: false });
    await lab[Symbol.asyncDispose]();
  });

  test('that fails is left alone like one that refuses connections, and begins anew when it runs', async () => {
    const { lab, board, become, seen } = openManaged('http://127.0.0.1:9');
    become('failed');
    expect(seen()).toEqual({ state: 'down', accepts: false, isComing: false });
    await lab.pass(1_200);
    expect(seen()).toEqual({ state: 'down', accepts: true, isComing: true });
    board.note('gpu0', 'failed', lab.nowMs());
    expect(seen().accepts).toBe(false);
    become('starting');
    become('ready');
    expect(seen()).toMatchObject({ state: 'up', accepts: true });
    expect(viewOf(board, lab.nowMs()).breaker).toBe('closed');
    await lab[Symbol.asyncDispose]();
  });

  test('is looked at although nobody says that it has changed', async () => {
    const lab = openHealthLab();
    let process: ProcessState = 'starting';
    lab.open([createHealthSpec('gpu0', 'http://127.0.0.1:9', { isManaged: true })], {
      processState: () => process,
    });
    process = 'ready';
    await lab.pass(100);
    expect(lab.transitions).toEqual(['gpu0 warming/closed>up/closed']);
    await lab[Symbol.asyncDispose]();
  });
});
