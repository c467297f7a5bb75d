import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DryRunView } from '../../src/admin/dry-run-schemas.ts';
import type { ExplainView } from '../../src/admin/explain-schemas.ts';
import { startMock } from '../../src/mock/mock.ts';
import { ServeLab } from '../support/serve-lab.ts';

// What the person who owns the box asks when somebody comes with the id of a request: while the
// gateway runs, when it has been started anew, and when it does not run at all.

const MODELS = `models:
  shaky:
    targets: [{ backend: dead, model: small }, { backend: mock, model: small }]
    balance: round_robin
    price: { input: 1.25, output: 2 }`;

test('a request is explained live, after a restart and from the files', async () => {
  await using mock = await startMock({ models: ['small'], behaviour: { tokens: 7 } });
  using lab = new ServeLab(`backends:
  mock: { type: vllm, url: "${mock.url}" }
  dead: { type: vllm, url: "http://127.0.0.1:9" }
${MODELS}`);
  const first = await lab.serve();
  const { key } = await lab.createKey('alice', '--user', 'ann', '--budget', '1/day');
  const reply = await fetch(`${first.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'shaky', messages: [{ role: 'user', content: 'hi' }] }),
  });
  await reply.text();
  const id = reply.headers.get('x-request-id') ?? '';
  expect(reply.headers.get('x-llmgate-attempts')).toBe('2');

  const live = await lab.runJson<ExplainView>('explain', id.slice(0, 18));
  expect(live).toMatchObject({
    ...{ id, known_from: ['books', 'memory'], attempt_count: 2 },
    who: { key_name: 'alice', user: 'ann' },
    attempts: [
      { backend: 'dead', code: 'no_backend_available', why: 'it was its turn' },
      { backend: 'mock', model: 'small', code: null, status: 200 },
    ],
    cost: { cost_usd: reply.headers.get('x-llmgate-cost-usd'), agrees: true },
    counted_to: [{ per: 'key', window: 'day', limit_usd: '1' }],
  });
  const shown = await lab.run('audit', 'show', String(live.audit?.seq), '--chain', 'requests');
  expect(shown.stdout).toContain(id);

  writeFileSync(
    join(lab.folder, 'body.json'),
    '{"stream":true,"messages":[{"role":"user","content":"hi"}]}',
  );
  const body = ['--body', join(lab.folder, 'body.json')];
  const dry = await lab.runJson<DryRunView>(
    ...['explain', '--key', 'alice', '--model', 'shaky', ...body],
  );
  expect(dry).toMatchObject({ would: 'be_sent', refusal: null, model: 'shaky' });
  expect(dry.sending?.edits.map(({ member }) => member)).toEqual(
    expect.arrayContaining(['model', 'stream_options']),
  );
  const refused = await lab.run('explain', '--key', 'alice', '--model', 'no-such-model');
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain('be refused by authorize, 404 model_not_found');
  expect(mock.requests()).toHaveLength(1);

  first.process.signal('SIGTERM');
  expect(await first.process.exited).toBe(0);
  const forgotten = { known_from: ['books'], attempt_count: 2, cost: live.cost, usage: live.usage };
  {
    await using _again = await lab.serve();
    expect(await lab.runJson('explain', id)).toMatchObject({
      ...forgotten,
      unknown: [expect.stringContaining('until the gateway ends')],
    });
  }
  expect(await lab.runJson('explain', id)).toMatchObject({
    ...forgotten,
    unknown: [expect.stringContaining('No gateway is running')],
  });
  const text = await lab.run('explain', id);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toContain(`Request ${id}\n  state        served, HTTP 200\n`);
  expect((await lab.run('explain', 'ffffffff')).code).toBe(3);
  expect((await lab.run('explain', '--key', 'alice', '--model', 'shaky')).code).toBe(5);
});
