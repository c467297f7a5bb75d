import type { LlmgateProcess } from '../../../test/support/llmgate-process.ts';
import { type Served, ServeLab } from '../../../test/support/serve-lab.ts';
import { freePort } from '../monitoring/free-port.ts';
import { Checks, expect } from './checks.ts';

/**
 * Two real engines that do not fit together, started, swapped and ended by llmgate itself. `model`
 * is a GGUF file; `python` has llama-cpp-python's server.
 */
export async function runSwapChecks(python: string, model: string): Promise<boolean> {
  using lab = new ServeLab('');
  lab.writeConfig(await configText(python, model));
  const checks = new Checks();
  const { key } = await lab.createKey('swaps');
  const served = await lab.serve();
  const ask = (name: string) => askModel(served, key, name);
  try {
    await checks.run('an engine starts with the first request for it', async () => {
      await ask('one');
      await served.process.untilEvent('engine_ready', { backend: 'one' });
    });
    await checks.run('the other one takes its place', async () => {
      await ask('two');
      await served.process.untilEvent('engine_stopping', { backend: 'one', why: 'room' });
    });
    await checks.run('requests for both at once are all answered', async () => {
      await Promise.all(['one', 'two', 'one', 'two', 'one', 'two'].map(ask));
    });
    await checks.run('kill -9 of llmgate leaves no engine', async () => {
      const pids = enginePids(served.process);
      expect(pids.length >= 3, `expected three starts, saw ${pids.length}`);
      served.process.signal('SIGKILL');
      await served.process.exited;
      await untilEnded(pids);
    });
  } finally {
    await served.process.stop();
  }
  checks.report();
  return checks.failed === 0;
}

async function configText(python: string, model: string): Promise<string> {
  const backends = ['one', 'two'].map(async (id) => {
    const port = await freePort();
    const command = [
      ...[python, '-m', 'llama_cpp.server', '--model', model, '--verbose', 'false'],
      ...['--host', '127.0.0.1', '--port', String(port), '--n_ctx', '2048', '--n_threads', '1'],
    ];
    const process = { command, ready: '/v1/models', min_residency: '1s', gpus: [0] };
    const url = `http://127.0.0.1:${port}`;
    const paths = { health: '/v1/models', metrics: 'off' };
    // JSON is YAML.
    return `  ${id}: ${JSON.stringify({ type: 'llamacpp', url, discover: false, ...paths, process })}`;
  });
  return [
    'backends:',
    ...(await Promise.all(backends)),
    'models:',
    ...['one', 'two'].map((id) => `  ${id}: { targets: [{ backend: ${id}, model: any }] }`),
  ].join('\n');
}

async function askModel({ url }: Served, key: string, model: string): Promise<void> {
  const messages = [{ role: 'user', content: 'Hello' }];
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 4, messages }),
    signal: AbortSignal.timeout(120_000),
  });
  const text = await reply.text();
  expect(reply.status === 200, `${model} answered ${reply.status}: ${text.slice(0, 300)}`);
}

function enginePids({ lines }: LlmgateProcess): number[] {
  return lines.flatMap((line) => {
    const found = /"event":"engine_starting".*"pid":(\d+)/.exec(line)?.[1];
    return found === undefined ? [] : [Number(found)];
  });
}

async function untilEnded(pids: readonly number[]): Promise<void> {
  const untilMs = performance.now() + 20_000;
  while (pids.some(isAlive)) {
    expect(performance.now() < untilMs, 'an engine outlived llmgate');
    await Bun.sleep(50);
  }
}

function isAlive(pid: number): boolean {
  const { stdout } = Bun.spawnSync(['ps', '-o', 'stat=', '-p', String(pid)]);
  const state = stdout.toString().trim();
  return state !== '' && !state.startsWith('Z');
}
