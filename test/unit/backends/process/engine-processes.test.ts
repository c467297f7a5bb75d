import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlive, openEngineLab, someEngine } from '../../../support/engine-process-lab.ts';
import { testDir } from '../../../support/test-dir.ts';

const aborted = AbortSignal.abort();

describe('an engine', () => {
  test('starts with its first use, serves the next at once, and ends with the gateway', async () => {
    const lab = openEngineLab([someEngine('a')]);
    await using _ = lab;
    expect(lab.engines.state('a')).toBe('stopped');
    const first = lab.use('a');
    expect(lab.engines.state('a')).toBe('starting');
    const [one, two] = await Promise.all([first, lab.use('a')]);
    expect(lab.engines.views()).toMatchObject([
      { backend: 'a', state: 'ready', inUse: 2, waiting: 0, starts: 1, crashes: 0, problem: null },
    ]);
    one.end();
    one.end();
    expect(lab.engines.views()).toMatchObject([{ inUse: 1 }]);
    two.end();
    await lab.engines.stop();
    expect(lab.pids).toHaveLength(1);
    expect(await isAlive(lab.pids[0] ?? 0)).toBe(false);
  });

  test('sees none of the gateway’s environment but a few harmless variables', async () => {
    await using lab = openEngineLab([
      someEngine('a', ['print-environment'], { env: { HF_HOME: '/models' }, gpus: [2, 3] }),
    ]);
    await lab.use('a');
    const [names = ''] = lab.output().filter((line) => line.startsWith('environment'));
    const harmless = [
      'HOME',
      'LANG',
      'LD_LIBRARY_PATH',
      'OLDPWD',
      'PATH',
      'PWD',
      'SHLVL',
      'TMPDIR',
      '_',
    ];
    expect(
      names
        .slice('environment '.length)
        .split(',')
        .filter((n) => !harmless.includes(n)),
    ).toEqual(['CUDA_DEVICE_ORDER', 'CUDA_VISIBLE_DEVICES', 'HF_HOME', 'LLMGATE_ENGINE']);
    expect(lab.log.text).not.toContain('sk-not-for-engines');
  });

  test('two that do not fit together are swapped, and come back', async () => {
    await using lab = openEngineLab([someEngine('a'), someEngine('b')]);
    const first = await lab.use('a');
    const second = lab.use('b');
    expect(lab.engines.state('b')).toBe('stopped');
    first.end();
    (await second).end();
    expect(lab.engines.state('a')).not.toBe('ready');
    (await lab.use('a')).end();
    expect(lab.engines.views()).toMatchObject([
      { backend: 'a', state: 'ready', starts: 2, evictions: 1 },
      { backend: 'b', starts: 1, evictions: 1 },
    ]);
  }, 10_000);

  test('one that is used without end is drained for who waits too long', async () => {
    await using lab = openEngineLab([someEngine('a'), someEngine('b')], { fairnessMs: 50 });
    const busy = await lab.use('a');
    const other = lab.use('b');
    await lab.untilView('a', ({ isDraining }) => isDraining);
    const late = lab.use('a');
    busy.end();
    (await other).end();
    // Not by the process that was about to be stopped.
    (await late).end();
    expect(lab.pids).toHaveLength(3);
  });

  test('is stopped when nobody has used it for its time', async () => {
    await using lab = openEngineLab([someEngine('a', [], { idleTtlMs: 50 })]);
    (await lab.use('a')).end();
    await lab.untilEvent('engine_stopped', 'a');
    expect(await lab.untilEvent('engine_stopping', 'a')).toMatchObject({ why: 'idle' });
    expect(await isAlive(lab.pids[0] ?? 0)).toBe(false);
  });

  test('who does not want to wait is told that it is loading, and it goes on loading', async () => {
    await using lab = openEngineLab([someEngine('a')]);
    await expect(lab.use('a', 0)).rejects.toMatchObject({ code: 'backend_loading' });
    await lab.untilEvent('engine_ready', 'a');
    (await lab.use('a', 0)).end();
  });

  test('by its settings nobody waits for it', async () => {
    await using lab = openEngineLab([someEngine('a', [], { maxWaitMs: 0 })]);
    const refused = lab.use('a');
    await expect(refused).rejects.toMatchObject({
      code: 'backend_loading',
      retryAfterMs: expect.any(Number),
    });
    await lab.untilEvent('engine_ready', 'a');
  });

  test('who does not wait gets room made all the same, and asks once', async () => {
    await using lab = openEngineLab([someEngine('a'), someEngine('b', [], { maxWaitMs: 0 })], {
      fairnessMs: 50,
    });
    const busy = await lab.use('a');
    await expect(lab.use('b')).rejects.toMatchObject({ code: 'backend_loading' });
    await lab.untilView('a', ({ isDraining }) => isDraining);
    busy.end();
    await lab.untilEvent('engine_ready', 'b');
    (await lab.use('b')).end();
  });

  test('where nobody may wait it is started all the same, and not again once it was stopped', async () => {
    await using lab = openEngineLab([someEngine('a')], { maxWaiting: 0 });
    await expect(lab.use('a')).rejects.toMatchObject({ code: 'backend_loading' });
    expect(lab.engines.state('a')).toBe('starting');
    await lab.engines.stopNow('a');
    expect(lab.engines.views()).toMatchObject([{ state: 'stopped', starts: 1 }]);
  });

  test('who leaves does not stop the load; who had left before does not begin it', async () => {
    await using lab = openEngineLab([someEngine('a')]);
    await expect(lab.engines.use('a', aborted)).rejects.toMatchObject({ code: 'caller_gone' });
    expect(lab.engines.state('a')).toBe('stopped');
    const leaving = new AbortController();
    const use = lab.engines.use('a', leaving.signal);
    leaving.abort();
    await expect(use).rejects.toMatchObject({ code: 'caller_gone' });
    expect(lab.engines.views()).toMatchObject([{ state: 'starting', waiting: 0 }]);
    await lab.untilEvent('engine_ready', 'a');
  });

  test('too many that wait are refused', async () => {
    const settings = someEngine('a');
    await using lab = openEngineLab([settings], { maxWaiting: 1 });
    const first = lab.use('a');
    await expect(lab.use('a')).rejects.toMatchObject({ code: 'overloaded' });
    lab.engines.replaceProcesses([settings], { maxWaiting: 2 });
    const second = lab.use('a');
    (await first).end();
    (await second).end();
  });
});

describe('an engine that fails', () => {
  test('crashes at its start: callers are told after two tries, operators why', async () => {
    await using lab = openEngineLab([someEngine('a', ['crash'])]);
    const error = await lab.use('a').catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'no_backend_available', retryAfterMs: expect.any(Number) });
    expect(String(error)).not.toContain('CUDA');
    const [view] = lab.engines.views();
    expect(view).toMatchObject({ state: 'failed', starts: 2, crashes: 2, waiting: 0 });
    expect(view?.problem).toMatch(/^it ended with code 3 .* last wrote: .*out of memory/);
    // Nobody waits for a retry that is later than they would.
    await expect(lab.use('a', 100)).rejects.toMatchObject({ code: 'no_backend_available' });
    expect(lab.engines.views()).toMatchObject([{ starts: 2 }]);
  });

  test('command that does not exist', async () => {
    const command = ['no-such-engine', '--serve'];
    await using lab = openEngineLab([someEngine('a', [], { command })]);
    await expect(lab.use('a')).rejects.toMatchObject({ code: 'no_backend_available' });
    expect(lab.engines.views()).toMatchObject([
      {
        state: 'failed',
        problem: 'it cannot be started: there is no program no-such-engine in the PATH',
      },
    ]);
    expect(lab.pids).toEqual([]);
  });

  test('folder that does not exist', async () => {
    const cwd = join(testDir(), 'nowhere');
    await using lab = openEngineLab([someEngine('a', [], { cwd })]);
    await expect(lab.use('a')).rejects.toMatchObject({ code: 'no_backend_available' });
    expect(lab.engines.views()[0]?.problem).toContain('nowhere');
  });

  test('never ready', async () => {
    const settings = someEngine('a', ['never-ready'], { readyTimeoutMs: 400 });
    await using lab = openEngineLab([settings]);
    await expect(lab.use('a', 600)).rejects.toMatchObject({ code: 'no_backend_available' });
    expect(lab.engines.views()[0]?.problem).toMatch(
      /^it was not ready within 0.4 s: the last answer was 503; it last wrote: listening$/,
    );
    expect(await isAlive(lab.pids[0] ?? 0)).toBe(false);
  });

  test('crashes in use: the use is over, the next one starts it again', async () => {
    const settings = someEngine('a');
    await using lab = openEngineLab([settings]);
    const use = await lab.use('a');
    process.kill(lab.pids[0] ?? 0, 'SIGSEGV');
    const { problem } = await lab.untilEvent('engine_crashed', 'a');
    expect(problem).toMatch(/^it was ended by SIGSEGV/);
    use.end();
    expect(lab.engines.views()).toMatchObject([{ state: 'failed', inUse: 0 }]);
    (await lab.use('a')).end();
    expect(lab.engines.views()).toMatchObject([{ state: 'ready', inUse: 0, crashes: 1 }]);
  });

  test('something else answers at its address', async () => {
    const settings = someEngine('a');
    const socket = settings.url.slice('unix:'.length);
    const other = Bun.serve({ unix: socket, fetch: () => new Response('I am somebody else') });
    await using lab = openEngineLab([settings]);
    await expect(lab.use('a', 100)).rejects.toMatchObject({ code: 'no_backend_available' });
    expect(lab.engines.views()[0]?.problem).toContain('something else answers at unix:');
    expect(lab.pids).toEqual([]);
    await other.stop(true);
  });
});

describe('nothing is left', () => {
  test('of one that ignores SIGTERM', async () => {
    const settings = someEngine('a', ['ignore-sigterm'], { stopTimeoutMs: 200 });
    await using lab = openEngineLab([settings]);
    (await lab.use('a')).end();
    await lab.engines.stop();
    expect(lab.output()).toContain('ignored');
    expect(lab.log.events).toContain('engine_killed');
    expect(await isAlive(lab.pids[0] ?? 0)).toBe(false);
  });

  test.each(['fork', 'escape'])('of workers: %s', async (behaviour) => {
    await using lab = openEngineLab([someEngine('a', [behaviour])]);
    (await lab.use('a')).end();
    const worker = Number(
      lab
        .output()
        .find((line) => line.startsWith('worker'))
        ?.slice(7),
    );
    expect(await isAlive(worker)).toBe(true);
    // The engine itself is what dies; its workers are told nothing.
    process.kill(lab.pids[0] ?? 0, 'SIGKILL');
    await lab.untilEvent('engine_crashed', 'a');
    expect(await isAlive(worker)).toBe(false);
  });
});

describe('operators', () => {
  test('start, and stop when it is unused', async () => {
    await using lab = openEngineLab([someEngine('a')]);
    expect(await lab.engines.startNow('a', new AbortController().signal)).toBe(true);
    const use = await lab.use('a');
    const stopped = lab.engines.stopNow('a');
    // Whoever comes now waits for the next run.
    const next = lab.use('a');
    expect(lab.engines.views()).toMatchObject([{ state: 'ready', inUse: 1, waiting: 1 }]);
    use.end();
    expect(await stopped).toBe(true);
    (await next).end();
    expect(lab.pids).toHaveLength(2);
    expect(await lab.engines.stopNow('nobody')).toBe(false);
  });

  test('stop by force', async () => {
    await using lab = openEngineLab([someEngine('a')]);
    const use = await lab.use('a');
    await lab.engines.stopNow('a', { force: true });
    expect(lab.engines.views()).toMatchObject([{ state: 'stopped', inUse: 0, crashes: 0 }]);
    use.end();
  });

  test('preload: it runs without being asked for, and again after a crash', async () => {
    await using lab = openEngineLab([someEngine('a', [], { preload: true })]);
    await lab.untilEvent('engine_ready', 'a');
    process.kill(lab.pids[0] ?? 0, 'SIGKILL');
    await lab.untilEvent('engine_crashed', 'a');
    await lab.untilView('a', ({ state }) => state === 'ready');
    expect(lab.pids).toHaveLength(2);
  });

  test('a reload: unchanged ones run on, changed ones start again, removed ones end', async () => {
    const group = { memoryBytes: 1e9 };
    const [a, b, c] = [
      someEngine('a', [], group),
      someEngine('b', [], group),
      someEngine('c', [], group),
    ];
    await using lab = openEngineLab([a, b, c]);
    (await lab.use('a')).end();
    (await lab.use('b')).end();
    const last = await lab.use('c');
    const pidOf = (backend: string) => lab.engines.views().find((v) => v.backend === backend)?.pid;
    const before = [pidOf('a'), pidOf('b')];
    lab.engines.replaceProcesses([
      { ...a, idleTtlMs: 9_000 },
      { ...b, env: { MODE: 'other' } },
    ]);
    expect(lab.engines.isManaged('c')).toBe(false);
    expect(await isAlive(pidOf('c') ?? 0)).toBe(true);
    await expect(lab.use('c')).rejects.toMatchObject({ code: 'no_backend_available' });
    last.end();
    await lab.untilEvent('engine_stopped', 'c');
    (await lab.use('a')).end();
    (await lab.use('b')).end();
    expect(pidOf('a')).toBe(before[0]);
    expect(pidOf('b')).not.toBe(before[1]);
    expect(lab.engines.views().map(({ backend }) => backend)).toEqual(['a', 'b']);
  });

  test('after the end nothing starts', async () => {
    await using lab = openEngineLab([someEngine('a')]);
    await lab.engines.stop();
    await expect(lab.use('a')).rejects.toMatchObject({ code: 'draining' });
    expect(lab.pids).toEqual([]);
  });
});
