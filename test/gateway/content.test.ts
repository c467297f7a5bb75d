import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BehaviourInput } from '../../src/mock/behaviour.ts';
import { type GatewayOptions, startGateway, type TestGateway } from '../support/start-gateway.ts';
import { CONTENT_KEY } from '../support/temp-content.ts';
import { tempDir } from '../support/temp-store.ts';

/** A gateway that keeps content as the YAML of `audit` says, with a content key. */
function startKeeping(audit: string, options: GatewayOptions = {}): Promise<TestGateway> {
  const file = join(tempDir(), 'content-key');
  writeFileSync(file, Buffer.from(CONTENT_KEY).toString('hex'), { mode: 0o600 });
  return startGateway({
    config: `audit: { ${audit}, content_key: "\${file:${file}}" }`,
    ...options,
  });
}

async function contentOf({ gateway }: TestGateway, headers: Headers) {
  return await gateway.operations.content.show(headers.get('x-request-id') ?? '');
}

const messages = [{ role: 'user', content: 'I am ada@example.com, é' }];

describe('what is kept is what the caller sent and got', () => {
  const kinds: readonly (readonly [string, BehaviourInput, Record<string, unknown>])[] = [
    ['a whole answer', { tokens: 7 }, {}],
    ['a stream', { tokens: 20 }, { stream: true }],
    [
      'a stream that breaks',
      { tokens: 20, fault: { kind: 'reset', after_tokens: 5 } },
      { stream: true },
    ],
    [
      'a stream whose backend fails',
      { fault: { kind: 'error_frame', after_tokens: 2 } },
      { stream: true },
    ],
  ];
  test.each(kinds)('%s', async (_, behaviour, fields) => {
    await using gate = await startKeeping('content: full');
    gate.mock.script(behaviour);
    const body = JSON.stringify({ ...fields, model: 'small', seed: 1, messages });
    const reply = await gate.post('/v1/chat/completions', body);
    expect(await contentOf(gate, reply.headers)).toMatchObject({
      mode: 'full',
      key: gate.keyId,
      content_ref_matches: true,
      request: { encoding: 'utf8', content: body },
      answer: { encoding: 'utf8', content: reply.text },
    });
    const verified = await gate.gateway.operations.audit.verify({
      ...{ checkpoints: [], public_key: null, since_checkpoint: false },
    });
    expect(verified).toMatchObject({ ok: true });
  });

  test('speech', async () => {
    await using gate = await startKeeping('content: full');
    const reply = await fetch(`${gate.url}/v1/audio/speech`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', input: 'Hello', voice: 'a' }),
    });
    const bytes = Buffer.from(await reply.arrayBuffer());
    expect(bytes.byteLength).toBeGreaterThan(0);
    const { answer } = await contentOf(gate, reply.headers);
    expect(Buffer.from(answer.content, answer.encoding)).toEqual(bytes);
  });

  test('what a backend refuses keeps the request', async () => {
    await using gate = await startKeeping('content: full');
    gate.mock.script({ fault: { kind: 'rate_limit', retry_after: 7 } });
    const reply = await gate.chat();
    expect(reply.status).toBe(429);
    const { request } = await contentOf(gate, reply.headers);
    expect(JSON.parse(request.content)).toMatchObject({ model: 'small' });
  });
});

test('redacted content holds no address of the prompt', async () => {
  await using gate = await startKeeping('content: redacted');
  const reply = await gate.chat({ messages, stream: true });
  const { request, answer } = await contentOf(gate, reply.headers);
  expect(request.content).toContain('I am [EMAIL], é');
  expect(JSON.parse(answer.content)).toMatchObject({ unreadable_frames: 0 });
});

test.each([
  ['off', 'full', 'full'],
  ['full', 'off', null],
  ['full', 'redacted', 'redacted'],
] as const)('configuration %s, key %s: %s', async (configured, content, kept) => {
  await using gate = await startKeeping(`content: ${configured}`, { key: { content } });
  const reply = await gate.chat();
  const shown = await contentOf(gate, reply.headers).then(
    ({ mode }) => mode,
    () => null,
  );
  expect(shown).toBe(kept);
});

test('of a stream that the caller leaves, what had been passed on is kept', async () => {
  await using gate = await startKeeping('content: full');
  gate.mock.script({ tokens: 1_000, tps: 50 });
  const leaving = new AbortController();
  const reply = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'small', stream: true, messages }),
    signal: leaving.signal,
  });
  const first = await reply.body?.getReader().read();
  leaving.abort();
  await gate.mock.untilCallerLeft(1);
  while (gate.rows().length === 0) await new Promise((resolve) => setImmediate(resolve));
  const { answer, content_ref_matches } = await contentOf(gate, reply.headers);
  expect(answer.content.startsWith(Buffer.from(first?.value ?? []).toString())).toBe(true);
  expect(answer.content).not.toContain('[DONE]');
  expect(content_ref_matches).toBe(true);
});

test('a request that reaches no backend keeps nothing', async () => {
  await using gate = await startKeeping('content: full');
  const reply = await gate.chat({ model: 'unknown' });
  expect(reply.status).toBe(404);
  await expect(contentOf(gate, reply.headers)).rejects.toThrow('no content was captured');
});

test('content that must be kept and cannot be is refused, or served by policy', async () => {
  const key = { content: 'full' } as const;
  await using refusing = await startGateway({ key });
  const refused = await refusing.chat();
  expect(refused).toMatchObject({ status: 503, code: 'store_unavailable' });
  expect(refusing.mock.stats().requests).toBe(0);
  await using allowing = await startGateway({ key, config: 'audit: { on_failure: allow }' });
  const served = await allowing.chat();
  expect(served.status).toBe(200);
  await expect(contentOf(allowing, served.headers)).rejects.toThrow('no content was captured');
});
