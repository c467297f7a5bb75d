import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuMicroseconds, type Way } from '../overhead/processes.ts';
import { median, spread } from '../spread.ts';
import type { Figure, Settings } from './figure.ts';
import type { Rig } from './rig.ts';

const TARGETS = 16;
const PROMPT_BYTES = 32 * 1_024;
const CONVERSATIONS = 64;

/**
 * What choosing among 16 replicas by the beginning of a 32 KB prompt adds to a request: the same
 * gateway, backend and prompts, once with one target and once with sixteen. Round robin over the
 * sixteen tells what is paid for having many, before anything is chosen by prompt.
 */
export async function measureDecision(rig: Rig, settings: Settings): Promise<Figure[]> {
  const mock = await rig.startMock();
  const ids = Array.from({ length: TARGETS }, (_, index) => `gpu${index}`);
  const price = 'price: { input: 0.5, output: 1.5 }, context_tokens: 1000000';
  const gateway = await rig.startGateway(
    'decision',
    `backends:
${ids.map((id) => `  ${id}: { type: vllm, url: "${mock.url}" }`).join('\n')}
models:
  one: { targets: [{ backend: gpu0, model: bench }], ${price} }
${['round_robin', 'sticky'].map((balance) => `  ${balance}:\n    { targets: [${ids.map((id) => `{ backend: ${id}, model: bench }`).join(', ')}], balance: ${balance}, ${price} }`).join('\n')}
`,
  );
  const ways = ['one', 'round_robin', 'sticky'].map((model) => ({ ...gateway.way, model }));
  const costs = new Map<string, number[]>(ways.map(({ model }) => [model, []]));
  const perRequest = async (way: Way) => {
    const beforeUs = cpuMicroseconds(way.pids);
    const requests = await runConversations(rig, way, settings.seconds);
    return (cpuMicroseconds(way.pids) - beforeUs) / requests;
  };
  for (const way of ways) await perRequest(way);
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const way of ways) costs.get(way.model)?.push(await perRequest(way));
  }
  const [one = [], spreadOut = [], sticky = []] = [...costs.values()];
  const difference = (more: readonly number[], less: readonly number[]) =>
    spread(
      more.map((us, round) => us - (less[round] ?? us)),
      1,
    );
  const hits = (await gateway.metrics()).sum('llmgate_scheduler_prefix_hits_total');
  return [
    {
      name: 'Decision, sticky, 16 targets, 32 KB prompt: CPU beyond one target',
      measured: `${difference(sticky, one)} µs of ${median(sticky).toFixed(0)} (${hits} by prefix)`,
      goal: '≤ 5 µs',
    },
    {
      name: 'the same, beyond round robin over the 16',
      measured: `${difference(sticky, spreadOut)} µs`,
      goal: '',
    },
  ];
}

/** wrk with 64 conversations in turn; how many were answered with 200. */
async function runConversations(rig: Rig, way: Way, seconds: number): Promise<number> {
  const script = join(rig.folder, `${way.model}.lua`);
  writeFileSync(
    script,
    `local bodies = {}
for conversation = 1, ${CONVERSATIONS} do
  local words = {}
  local text = "conversation " .. conversation .. " "
  while #text * #words < ${PROMPT_BYTES} do words[#words + 1] = text end
  bodies[conversation] = '{"model":"${way.model}","max_tokens":8,"messages":[{"role":"user","content":"'
    .. table.concat(words):sub(1, ${PROMPT_BYTES}) .. '"}]}'
end
local turn = 0
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer ${way.key}"
wrk.headers["x-mock"] = '{"tokens":8}'
request = function()
  turn = turn % ${CONVERSATIONS} + 1
  return wrk.format(nil, nil, nil, bodies[turn])
end
`,
  );
  const url = `http://127.0.0.1:${way.port}/v1/chat/completions`;
  const command = ['wrk', '-t1', '-c32', `-d${seconds}s`, '-s', script, url];
  const wrk = Bun.spawn(command, { stdout: 'pipe' });
  const text = await new Response(wrk.stdout).text();
  await wrk.exited;
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(text);
  if (failed !== null) throw new Error(`${way.model}: ${failed[0]}`);
  return Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
}
