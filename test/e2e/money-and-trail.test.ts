import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startMock } from '../../src/mock/mock.ts';
import { type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';
import { type IssuedKey, ServeLab } from '../support/serve-lab.ts';

// Budgets, their alerts, kept content and the copies of the trail, as an operator sets them up:
// everything from the configuration, everything over the compiled binary.

const WEBHOOK_SECRET = randomBytes(32).toString('base64');

const configuration = (mockUrl: string, receiver: HttpReceiver) => `
timezone: Asia/Kolkata
backends:
  mock: { type: vllm, url: "${mockUrl}" }
models:
  small: { targets: [mock], price: { input: 1, output: 10 } }
budgets:
  - { per: team, usd: 0.001, window: month, alert_at: [10%, 90%], on_exceed: shrink }
audit:
  content_key: "\${file:./content-key}"
  export:
    - { type: file, path: ./trail.jsonl }
alerts:
  webhook: { url: "${receiver.url}/alerts", secret: "\${file:./webhook-secret}" }
`;

interface Ask {
  readonly url: string;
  readonly key: IssuedKey;
  readonly content?: string;
}

function ask({ url, key, content = 'hi' }: Ask): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'small',
      max_tokens: 40,
      messages: [{ role: 'user', content }],
    }),
  });
}

interface BudgetList {
  readonly budgets: readonly { readonly target: string; readonly spent_usd: string }[];
}

async function openLab(mockUrl: string, receiver: HttpReceiver): Promise<ServeLab> {
  const lab = new ServeLab(configuration(mockUrl, receiver));
  const secret = { mode: 0o600 };
  const key = randomBytes(32).toString('base64');
  writeFileSync(join(lab.folder, 'content-key'), key, secret);
  writeFileSync(join(lab.folder, 'webhook-secret'), WEBHOOK_SECRET, secret);
  return lab;
}

test('a team spends its budget: alerts are signed, answers shrink, a top-up opens it again', async () => {
  await using mock = await startMock({ models: ['small'] });
  await using receiver = startHttpReceiver();
  using lab = await openLab(mock.url, receiver);
  await using served = await lab.serve();
  const { url } = served;
  const key = await lab.createKey('ada', '--team', 'research', '--content', 'redacted');

  const statuses: number[] = [];
  const told: (string | null)[] = [];
  for (let at = 0; at < 40 && statuses.at(-1) !== 429; at += 1) {
    const reply = await ask({ url, key });
    statuses.push(reply.status);
    told.push(reply.headers.get('x-llmgate-max-output-tokens'));
  }
  expect(statuses.at(-1)).toBe(429);
  expect(statuses.slice(0, -1).every((status) => status === 200)).toBe(true);
  expect(told.some((tokens) => tokens !== null && Number(tokens) < 40)).toBe(true);

  await receiver.received(2);
  const thresholds = receiver.requests.map(({ headers, body }) => {
    const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${body}`;
    const mac = createHmac('sha256', WEBHOOK_SECRET).update(signed).digest('base64');
    expect(headers.get('webhook-signature')).toBe(`v1,${mac}`);
    return JSON.parse(body).data.threshold_percent;
  });
  expect(thresholds).toEqual([10, 90]);

  expect((await lab.run('budgets', 'set', 'team/research', '--top-up', '0.01')).code).toBe(0);
  expect((await ask({ url, key })).status).toBe(200);
  const before = await lab.runJson<BudgetList>('budgets', 'list');
  expect((await lab.run('ledger', 'check')).code).toBe(0);

  // What the counters say after a crash is what they said before it.
  served.process.signal('SIGKILL');
  await served.process.exited;
  await using again = await lab.serve();
  expect(again.url).not.toBe('');
  expect(await lab.runJson<BudgetList>('budgets', 'list')).toEqual(before);
  expect((await lab.run('budgets', 'reset', 'team/research')).code).toBe(0);
  const { budgets } = await lab.runJson<BudgetList>('budgets', 'list');
  const own = budgets.find(({ target }) => target === 'team/research');
  expect(own?.spent_usd).toBe('0');
});

test('content is kept masked, shown, erased; the trail is copied and proves itself', async () => {
  await using mock = await startMock({ models: ['small'] });
  await using receiver = startHttpReceiver();
  using lab = await openLab(mock.url, receiver);
  await using served = await lab.serve();
  const { url } = served;
  const flags = ['--user', 'ada', '--team', 'research', '--content', 'redacted'];
  const key = await lab.createKey('ada', ...flags);
  const reply = await ask({ url, key, content: 'write to ada@example.com' });
  expect(reply.status).toBe(200);
  const id = reply.headers.get('x-request-id') ?? '';
  await reply.text();

  const shown = await lab.run('audit', 'content', id);
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toContain('[EMAIL]');
  expect(shown.stdout).not.toContain('ada@example.com');
  expect((await lab.run('audit', 'erase', '--user', 'ada', '--yes')).code).toBe(0);
  expect((await lab.run('audit', 'content', id)).stdout).not.toContain('[EMAIL]');

  served.process.signal('SIGTERM');
  expect(await served.process.exited).toBe(0);
  const verified = await lab.run('audit', 'verify', '--json');
  expect(verified.code).toBe(0);
  expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, requests: { rows: 1 } });

  const lines = readFileSync(join(lab.folder, 'trail.jsonl'), 'utf8').trim().split('\n');
  const records = lines.map((line) => JSON.parse(line));
  const actions = records.filter(({ chain }) => chain === 'admin_events');
  expect(actions.map(({ action }) => action)).toContain('content.erase');
  expect(records.filter(({ chain }) => chain === 'requests')).toHaveLength(1);
  // The last thing the gateway says of itself still left it.
  expect(actions.at(-1)?.action).toBe('gateway.stop');
  expect(lines.join('')).not.toContain('example.com');
});
