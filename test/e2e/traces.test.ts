import { join } from 'node:path';
import { expect, test } from 'vitest';
import { neverAnswer } from '../support/http-receiver.ts';
import { ServeLab } from '../support/serve-lab.ts';
import { readResource, startSpanReceiver } from '../support/span-receiver.ts';
import { startTestMock } from '../support/start-mock.ts';

function ask(url: string, key: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      model: 'small',
      messages: [{ role: 'user', content: 'canary-prompt' }],
    }),
  });
}

test('spans of the last requests are sent before the end, and hold no secret', async () => {
  await using collector = startSpanReceiver();
  const mock = await startTestMock({ models: ['small'] });
  using lab = new ServeLab(
    [
      `backends: { gpu0: { type: vllm, url: "${mock.url}" } }`,
      `traces: { endpoint: "${collector.url}/v1/traces", sample: 100% }`,
    ].join('\n'),
  );
  const served = await lab.serve();
  const { key } = await lab.createKey('caller');
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect((await ask(served.url, key, { traceparent })).status).toBe(200);
  await served[Symbol.asyncDispose]();
  await mock.stop();
  const spans = collector.spans();
  expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
    ['chat small', 2],
    ['chat small', 3],
  ]);
  expect(spans.every(({ traceId }) => traceId === '4bf92f3577b34da6a3ce929d0e0e4736')).toBe(true);
  const bodies = collector.requests.map(({ body }) => body).join('');
  expect(readResource(bodies)).toMatchObject({ 'service.name': 'llmgate' });
  expect(bodies).not.toContain(key);
  expect(bodies).not.toContain('canary-prompt');
});

test('a collector that hangs shows in the metrics and delays nobody', async () => {
  await using collector = startSpanReceiver();
  collector.answerWith(neverAnswer);
  const mock = await startTestMock({ models: ['small'] });
  using lab = new ServeLab(
    [
      `backends: { gpu0: { type: vllm, url: "${mock.url}" } }`,
      `traces: { endpoint: "${collector.url}/v1/traces", sample: 100% }`,
    ].join('\n'),
  );
  {
    await using served = await lab.serve();
    const { key } = await lab.createKey('caller');
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(served.url, key)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const unix = join(lab.dataDir, 'admin.sock');
    const page = await (await fetch('http://gateway/metrics', { unix })).text();
    expect(page).toContain('llmgate_trace_spans_total{result="exported"} 0\n');
  }
  await mock.stop();
  expect(collector.requests.length).toBeGreaterThan(0);
});
