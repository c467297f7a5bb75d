import { join } from 'node:path';
import { freePort } from '../overhead/processes.ts';
import { median, percentile } from '../spread.ts';
import { countFailedBeforeContent, runLoad } from './bench-load.ts';
import type { Figure, Settings } from './figure.ts';
import type { Mock, Rig } from './rig.ts';

const SAMPLES = 500;
const PRICE = 'price: { input: 0.5, output: 1.5 }, context_tokens: 100000';

/** From a refused connection to the answer of the next backend, each time the first of its backend. */
export async function measureFailover(rig: Rig, _: Settings): Promise<Figure[]> {
  const mock = await rig.startMock();
  const closed = freePort();
  const ids = Array.from({ length: SAMPLES }, (_, index) => index);
  // A backend that refused is not asked again soon, so each sample has one of its own.
  const gateway = await rig.startGateway(
    'failover',
    `backends:
  good: { type: openai_compatible, url: "${mock.url}", discover: false }
${ids.map((id) => `  dead${id}: { type: openai_compatible, url: "http://127.0.0.1:${closed}", discover: false }`).join('\n')}
models:
${ids.map((id) => `  m${id}: { balance: round_robin, targets: [{ backend: dead${id}, model: bench }, { backend: good, model: bench }], ${PRICE} }`).join('\n')}
`,
  );
  const ask = async (model: string) => {
    const startedMs = performance.now();
    const answer = await fetch(`http://127.0.0.1:${gateway.way.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.way.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model,
        max_tokens: 8,
        messages: [{ role: 'user', content: 'hello' }],
      }),
    });
    await answer.text();
    const tookMs = performance.now() - startedMs;
    if (answer.status !== 200) throw new Error(`${model} was answered with ${answer.status}`);
    return { tookMs, attempts: Number(answer.headers.get('x-llmgate-attempts')) };
  };
  const plain: number[] = [];
  const failedOver: number[] = [];
  for (const id of ids) {
    // Round robin begins anywhere: of two requests one meets the closed port.
    for (const { tookMs, attempts } of [await ask(`m${id}`), await ask(`m${id}`)]) {
      (attempts === 2 ? failedOver : plain).push(tookMs);
    }
  }
  const show = (timesMs: readonly number[]) =>
    `p50 ${median(timesMs).toFixed(2)}, p99 ${percentile(timesMs, 0.99).toFixed(2)}, ` +
    `longest ${Math.max(...timesMs).toFixed(2)} ms (${timesMs.length})`;
  return [
    {
      name: 'Refused connection, request to whole answer of the next backend',
      measured: show(failedOver),
      goal: '≤ 50 ms',
    },
    { name: 'the same without one', measured: show(plain), goal: '' },
    ...(await measureKill(rig)),
  ];
}

/** One of three backends is killed under load, and started again. */
async function measureKill(rig: Rig): Promise<Figure[]> {
  const mocks = [await rig.startMock(), await rig.startMock(), await rig.startMock()];
  const ids = mocks.map((_, index) => `gpu${index}`);
  const gateway = await rig.startGateway(
    'kill',
    `backends:
${mocks.map(({ url }, index) => `  gpu${index}: { type: vllm, url: "${url}" }`).join('\n')}
models:
  bench: { targets: [${ids.join(', ')}], ${PRICE} }
`,
  );
  const figures: Figure[] = [];
  for (const [kind, mock, flags] of [
    ['whole answers', { ttft_ms: 50, tokens: 8 }, ['--no-stream', '--request-rate', '400']],
    ['streams', { ttft_ms: 200, tps: 40, tokens: 20 }, ['--request-rate', '150']],
  ] as const) {
    const details = join(rig.folder, 'kill.jsonl');
    const load = runLoad(rig.binary, gateway.way, mock, [
      ...[...flags, '--duration', '8s', '--input-len', '32', '--output-len', '64'],
      ...['--details', details],
    ]);
    for (const victim of mocks.slice(0, 2)) {
      await Bun.sleep(2_000);
      await killAndRestart(victim);
    }
    const run = await load;
    const errors = run.errors.map(({ class: name, count }) => `${count} ${name}`).join(', ');
    const retries = (await gateway.metrics()).sum('llmgate_retries_total');
    const early = countFailedBeforeContent(details);
    const cut = run.failed - early;
    figures.push({
      name: `Two backends of three killed in turn under ${kind}`,
      measured:
        `${early} of ${run.sent} failed that could be served; ${cut} streams were cut after content` +
        `${errors === '' ? '' : ` (${errors})`}; ${retries} second attempts until then`,
      goal: '0',
    });
  }
  return figures;
}

async function killAndRestart(mock: Mock): Promise<void> {
  await mock.kill();
  await Bun.sleep(500);
  await mock.start();
}
