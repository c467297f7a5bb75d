import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FaultLab } from '../support/fault-lab.ts';
import { freePort } from '../support/fault-ports.ts';
import { note, PROOF_SCALE } from '../support/fault-report.ts';
import { llmgateBinary } from '../support/llmgate-binary.ts';

// Model servers that the compiled gateway starts, swaps and ends: the executable itself as a mock,
// and what else people write behind `command`.

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const ENV = { PATH };
const MIN_RESIDENCY_MS = 300;

/** The members of a backend that is a mock which llmgate starts. */
async function engine(more: string): Promise<string> {
  const port = await freePort();
  const command = ['mock', '--listen', `127.0.0.1:${port}`, '--ttft', '20ms'];
  return withCommand(port, [llmgateBinary(), ...command], more);
}

/** One that loads for half a second. */
async function slowEngine(more: string): Promise<string> {
  const port = await freePort();
  const script = `sleep 0.5; exec ${llmgateBinary()} mock --listen 127.0.0.1:${port}`;
  return withCommand(port, ['sh', '-c', script], more);
}

/** One that needs SIGKILL: what is left of it after SIGTERM does not hear. */
async function deafEngine(more: string, seconds: number): Promise<string> {
  const port = await freePort();
  const script = `trap "" TERM; ${llmgateBinary()} mock --listen 127.0.0.1:${port}; sleep ${seconds}`;
  return withCommand(port, ['sh', '-c', script], more);
}

function withCommand(port: number, command: readonly string[], more: string): string {
  const process = `{ command: ${JSON.stringify(command)}, min_residency: ${MIN_RESIDENCY_MS}ms, ${more} }`;
  return `{ type: vllm, url: "http://127.0.0.1:${port}", discover: false, metrics: off, process: ${process} }`;
}

async function openLab(backends: Readonly<Record<string, string>>): Promise<FaultLab> {
  const ids = Object.keys(backends);
  return FaultLab.open(
    `gpu: off
queue: { keep_alive: 50ms }
retries: { attempts: 1 }
budgets: [{ per: key, usd: 50, window: total }]
backends:
${ids.map((id) => `  ${id}: ${backends[id]}`).join('\n')}
models:
${ids.map((id) => `  ${id}: { targets: [${id}], price: { input: 1, output: 2 } }`).join('\n')}`,
    { env: ENV },
  );
}

/** Command lines of all processes of this machine, those that have ended left out. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    });
}

const runs = (words: string) => commandLines().some((line) => line.includes(words));

/** Resolves when no process has this in its command line; how long that took. */
async function untilGone(words: string, forMs = 10_000): Promise<number> {
  const startedMs = performance.now();
  while (runs(words)) {
    if (performance.now() - startedMs > forMs) throw new Error(`${words} still runs`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return performance.now() - startedMs;
}

/** What the command line of its process is sure to hold. */
async function addressOf(lab: FaultLab, id: string): Promise<string> {
  const { url } = await lab.backend(id);
  return url.replace('http://', '--listen ');
}

const processOf = async (lab: FaultLab, id: string) => (await lab.backend(id)).process;

describe('a model server', () => {
  let lab: FaultLab;

  beforeAll(async () => {
    lab = await openLab({
      lone: await engine('idle_ttl: 500ms, memory: 1MB'),
      hurried: await slowEngine('max_wait: off, memory: 1MB'),
      red: await engine('group: gpu'),
      blue: await engine('group: gpu'),
      missing: withCommand(await freePort(), ['/no/such/program'], 'memory: 1MB'),
      never: withCommand(await freePort(), ['sleep', '8641'], 'ready_timeout: 500ms, memory: 1MB'),
      deaf: await deafEngine('idle_ttl: 300ms, stop_timeout: 300ms, memory: 1MB', 8642),
      crashing: withCommand(
        await freePort(),
        ['sh', '-c', 'echo no card >&2; exit 3'],
        'memory: 1MB',
      ),
    });
  });

  afterAll(() => lab[Symbol.asyncDispose]());

  test('is started by the first request; who streams hears that, who does not just waits', async () => {
    const address = await addressOf(lab, 'lone');
    expect(runs(address)).toBe(false);
    const [whole, streamed] = await Promise.all([
      lab.ask('lone'),
      lab.ask('lone', { stream: true }),
    ]);
    expect(whole).toMatchObject({ status: 200, attempts: 1, failure: undefined });
    expect(Number(whole.headers.get('x-llmgate-queue-ms'))).toBeGreaterThan(0);
    expect(streamed).toMatchObject({ status: 200, failure: undefined });
    expect(streamed.text).toMatch(/^: /);
    note('figures', { what: 'first request of a stopped model server, ms', value: whole.tookMs });
    expect(await processOf(lab, 'lone')).toMatchObject({ state: 'ready', starts: 1, crashes: 0 });
    const next = await lab.ask('lone');
    expect(Number(next.headers.get('x-llmgate-queue-ms'))).toBeLessThan(20);
  });

  test('is stopped when nobody uses it, and started again for the next one', async () => {
    const address = await addressOf(lab, 'lone');
    await lab.until(
      () => processOf(lab, 'lone'),
      (process) => process?.state === 'stopped',
    );
    await untilGone(address);
    expect(await lab.ask('lone')).toMatchObject({ status: 200 });
    expect(await processOf(lab, 'lone')).toMatchObject({ starts: 2, crashes: 0 });
  });

  test('tells who does not want to wait, and the load goes on', async () => {
    const first = await lab.ask('hurried');
    expect(first).toMatchObject({ status: 503, failure: 'backend_loading' });
    expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0);
    // The next one does not wait in some other line instead.
    const second = await lab.ask('hurried');
    expect(second).toMatchObject({ status: 503, failure: 'backend_loading' });
    expect(second.tookMs).toBeLessThan(400);
    const answer = await lab.until(
      () => lab.ask('hurried'),
      ({ status }) => status === 200,
    );
    expect(answer.failure).toBeUndefined();
    expect(await processOf(lab, 'hurried')).toMatchObject({ starts: 1 });
  });

  test('makes room for another one that does not fit beside it', async () => {
    const [red, blue] = [await addressOf(lab, 'red'), await addressOf(lab, 'blue')];
    for (const [id, running, stopped] of [
      ['red', red, blue],
      ['blue', blue, red],
      ['red', red, blue],
    ] as const) {
      expect(await lab.ask(id)).toMatchObject({ status: 200, failure: undefined });
      expect([runs(running), runs(stopped)]).toEqual([true, false]);
    }
    expect([await processOf(lab, 'red'), await processOf(lab, 'blue')]).toMatchObject([
      { starts: 2, crashes: 0 },
      { starts: 1, crashes: 0 },
    ]);
  });

  test('is not swapped to and fro by two users who use two models in turn', async () => {
    const before = await Promise.all(['red', 'blue'].map((id) => processOf(lab, id)));
    const startedMs = performance.now();
    const each = Math.round(40 * PROOF_SCALE);
    const use = async (id: string) => {
      const answers = [];
      for (let asked = 0; asked < each; asked += 1) answers.push(await lab.ask(id));
      return answers;
    };
    const answers = (await Promise.all(['red', 'red', 'blue', 'blue'].map(use))).flat();
    const tookMs = performance.now() - startedMs;
    const after = await Promise.all(['red', 'blue'].map((id) => processOf(lab, id)));
    const starts = after.reduce(
      (sum, process, at) => sum + (process?.starts ?? 0) - (before[at]?.starts ?? 0),
      0,
    );
    const waits = answers.map(({ tookMs }) => tookMs);
    note('figures', {
      what: `two users of two models, ${answers.length} requests: starts`,
      value: starts,
    });
    note('figures', {
      what: 'two users of two models: longest wait ms',
      value: Math.max(...waits),
    });
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    // Each stays for as long as it was promised, and then serves all that wait for it.
    expect(starts).toBeLessThanOrEqual(2 + tookMs / MIN_RESIDENCY_MS);
  });

  test.each([
    { id: 'missing', problem: /no such|not found|does not exist|ENOENT/i },
    { id: 'crashing', problem: /no card|exit|3/ },
    { id: 'never', problem: /ready/ },
  ])(
    'that cannot be started is told as such: $id',
    async ({ id, problem }) => {
      const answers = await Promise.all([lab.ask(id), lab.ask(id), lab.ask(id, { stream: true })]);
      for (const { status, failure } of answers.slice(0, 2)) {
        expect({ status, failure }).toEqual({ status: 503, failure: 'no_backend_available' });
      }
      expect(answers[2]?.failure).toBe('no_backend_available');
      const backend = await lab.backend(id);
      note('engines', {
        id,
        ms: Math.round(answers[0]?.tookMs ?? 0),
        starts: backend.process?.starts,
        crashes: backend.process?.crashes,
        problem: backend.process?.problem,
      });
      expect(backend.process?.problem).toMatch(problem);
      for (let asked = 0; asked < 10; asked += 1) expect((await lab.ask(id)).status).toBe(503);
      expect((await processOf(lab, id))?.starts).toBeLessThanOrEqual(4);
      if (id === 'never') await untilGone('sleep 8641');
    },
    20_000,
  );

  test('that does not hear SIGTERM is killed, and what it has started with it', async () => {
    expect(await lab.ask('deaf')).toMatchObject({ status: 200 });
    await lab.until(
      () => processOf(lab, 'deaf'),
      (process) => process?.state === 'stopped',
    );
    await untilGone('sleep 8642');
    await untilGone(await addressOf(lab, 'deaf'));
  });

  test('holds nothing after all of that', async () => {
    await lab.untilNothingIsHeld();
    expect(await lab.lab.run('ledger', 'check')).toMatchObject({ code: 0 });
    expect(lab.process.lines.filter((line) => line.includes('"code":"internal"'))).toEqual([]);
  });
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'no model server outlives a gateway that ends with %s',
  async (signal) => {
    const seconds = signal === 'SIGTERM' ? 8643 : 8644;
    const lab = await openLab({
      good: await engine('memory: 1MB'),
      deaf: await deafEngine('stop_timeout: 300ms, memory: 1MB', seconds),
      starting: withCommand(await freePort(), ['sleep', String(seconds + 10)], 'memory: 1MB'),
    });
    const answers = await Promise.all([lab.ask('good'), lab.ask('deaf')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const cut = lab.ask('starting').catch(() => 'cut');
    await lab.until(
      () => processOf(lab, 'starting'),
      (process) => process?.pid !== null && process?.state === 'starting',
    );
    const addresses = [await addressOf(lab, 'good'), await addressOf(lab, 'deaf')];
    const lines = [...addresses, `sleep ${seconds}`, `sleep ${seconds + 10}`];
    expect(addresses.map(runs)).toEqual([true, true]);
    lab.process.signal(signal);
    if (signal === 'SIGTERM') {
      // The second one does not wait for whoever is still waiting. It must not melt into the first.
      await lab.process.untilLine(/"event":"draining"/);
      lab.process.signal(signal);
    }
    await lab.process.exited;
    await cut;
    const goneMs = await Promise.all(lines.map((line) => untilGone(line)));
    note('figures', {
      what: `${signal} of the gateway: ms until its model servers are gone`,
      value: Math.max(...goneMs),
    });
    await lab[Symbol.asyncDispose]();
  },
);
