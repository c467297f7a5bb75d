import { expect, test } from 'vitest';
import type { BehaviourInput } from '../../src/mock/behaviour.ts';
import { startGateway } from '../support/start-gateway.ts';

// Words so short that one token each is also what their length says.
const SEVEN = 'a b c d e f g';

const MODEL = 'models:\n  small: { targets: [mock], price: { input: 1, output: 2 } }';
/** What happens after a failure is not what these are about: `retries.test.ts`. */
const PRICED = `${MODEL}\nretries: { attempts: 1 }`;

interface Ending {
  readonly name: string;
  readonly behaviour: BehaviourInput;
  readonly stream: boolean;
  readonly status: number;
  readonly code?: string;
  /** Substrings of the body, in order. */
  readonly body?: readonly string[];
  readonly clean: boolean;
  readonly row: Readonly<Record<string, unknown>>;
}

const endings: Ending[] = [
  {
    name: 'a whole answer is booked as the backend reports it',
    behaviour: { tokens: 7 },
    stream: false,
    status: 200,
    clean: true,
    row: { outcome: 'served', output_tokens: 7, estimated: 0, usage_source: 'reported' },
  },
  {
    name: 'a stream is booked as the backend reports it, and ends in its terminal',
    behaviour: { tokens: 7 },
    stream: true,
    status: 200,
    body: ['data: [DONE]'],
    clean: true,
    row: { outcome: 'served', output_tokens: 7, estimated: 0, usage_source: 'reported' },
  },
  {
    name: 'a stream without usage is counted by us and flagged',
    behaviour: { text: SEVEN, fault: { kind: 'usage', value: 'missing' } },
    stream: true,
    status: 200,
    clean: true,
    row: { outcome: 'served', output_tokens: 7, estimated: 1, usage_source: 'counted' },
  },
  {
    name: 'an explicit usage of zero is zero',
    behaviour: { fault: { kind: 'usage', value: 'zero' } },
    stream: false,
    status: 200,
    clean: true,
    row: { outcome: 'served', input_tokens: 0, output_tokens: 0, cost_nano_usd: 0, estimated: 0 },
  },
  {
    name: 'negative usage is not believed',
    behaviour: { text: SEVEN, fault: { kind: 'usage', value: 'negative' } },
    stream: true,
    status: 200,
    clean: true,
    row: { outcome: 'served', output_tokens: 7, estimated: 1 },
  },
  {
    name: 'a backend reset midway is an error frame and no clean end',
    behaviour: { tokens: 20, tps: 500, fault: { kind: 'reset', after_tokens: 5 } },
    stream: true,
    status: 200,
    body: ['"code":"backend_stream_broken"'],
    clean: false,
    row: { outcome: 'cut_by_backend', code: 'backend_stream_broken', estimated: 1, status: 200 },
  },
  {
    name: 'a backend that stops without its terminal is an error frame and no clean end',
    behaviour: { text: SEVEN, fault: { kind: 'no_terminal' } },
    stream: true,
    status: 200,
    body: ['"code":"backend_stream_broken"'],
    clean: false,
    row: { outcome: 'cut_by_backend', output_tokens: 7 },
  },
  {
    name: 'a malformed frame after the first is an error frame',
    behaviour: { text: SEVEN, tps: 500, fault: { kind: 'malformed', after_tokens: 3 } },
    stream: true,
    status: 200,
    body: ['"code":"backend_protocol_error"'],
    clean: false,
    row: { outcome: 'cut_by_backend', code: 'backend_protocol_error', output_tokens: 3 },
  },
  {
    name: "the backend's own error frame ends the stream in ours",
    behaviour: {
      tokens: 9,
      tps: 500,
      fault: { kind: 'error_frame', after_tokens: 2, message: 'CUDA gone' },
    },
    stream: true,
    status: 200,
    body: ['CUDA gone'],
    clean: false,
    row: { outcome: 'cut_by_backend', code: 'backend_error' },
  },
  {
    name: 'an answer that breaks before any of it has reached the caller is an error and free',
    behaviour: { text: SEVEN, fault: { kind: 'error_frame', after_tokens: 0 } },
    stream: true,
    status: 502,
    code: 'backend_error',
    clean: false,
    row: { outcome: 'refused', code: 'backend_error', output_tokens: 0, cost_nano_usd: 0 },
  },
  {
    name: 'a reset before the reply costs nothing',
    behaviour: { fault: { kind: 'reset' } },
    stream: true,
    status: 502,
    code: 'backend_error',
    clean: false,
    row: { outcome: 'refused', code: 'backend_error', cost_nano_usd: 0, output_tokens: 0 },
  },
  {
    name: 'a truncated whole answer is an error',
    behaviour: { tokens: 20, fault: { kind: 'fin', after_tokens: 3 } },
    stream: false,
    status: 502,
    code: 'backend_stream_broken',
    clean: false,
    row: { outcome: 'refused', code: 'backend_stream_broken' },
  },
  {
    name: 'HTML with status 200 is no answer',
    behaviour: { fault: { kind: 'html' } },
    stream: false,
    status: 502,
    code: 'backend_protocol_error',
    clean: false,
    row: { outcome: 'refused' },
  },
  {
    name: 'a redirect is not followed',
    behaviour: { fault: { kind: 'redirect' } },
    stream: false,
    status: 502,
    code: 'backend_protocol_error',
    clean: false,
    row: { outcome: 'refused' },
  },
  {
    name: 'a vendor 429 is passed on with its waiting time',
    behaviour: { fault: { kind: 'rate_limit', retry_after: 7 } },
    stream: false,
    status: 429,
    code: 'rate_limit_exceeded',
    clean: false,
    row: { outcome: 'refused', code: 'rate_limit_exceeded' },
  },
  {
    name: 'a loading engine is a 503 of its own kind',
    behaviour: { fault: { kind: 'loading' } },
    stream: false,
    status: 503,
    code: 'backend_loading',
    clean: false,
    row: { outcome: 'refused' },
  },
  {
    name: 'a prompt over the context is the fault of the caller',
    behaviour: { fault: { kind: 'context_length' } },
    stream: true,
    status: 400,
    code: 'context_length_exceeded',
    clean: false,
    row: { outcome: 'refused', cost_nano_usd: 0 },
  },
  {
    name: "refused credentials of ours are never the caller's 401",
    behaviour: { fault: { kind: 'unauthorized' } },
    stream: false,
    status: 502,
    code: 'backend_error',
    clean: false,
    row: { outcome: 'refused' },
  },
];

test.each(endings)('$name', async ({ behaviour, stream, status, code, body, clean, row }) => {
  await using gate = await startGateway({ config: PRICED });
  gate.mock.script(behaviour);
  const reply = await gate.chat({ stream });

  expect(reply.status).toBe(status);
  expect(reply.code).toBe(code);
  if (code !== undefined) expect(reply.headers.get('x-llmgate-error')).toBe(code);
  let from = 0;
  for (const part of body ?? []) {
    from = reply.text.indexOf(part, from);
    expect(from, part).toBeGreaterThanOrEqual(0);
  }
  if (stream && status === 200) expect(reply.text.endsWith('data: [DONE]\n\n')).toBe(clean);

  const rows = gate.rows();
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject(row);
  expect(gate.openRows()).toBe(0);
  expect((await gate.gateway.operations.checkLedger()).problems).toEqual([]);
  await gate.mock.untilIdle();
  expect(gate.mock.stats().requests).toBe(1);
});

test('the waiting time of a vendor 429 reaches both retry headers', async () => {
  await using gate = await startGateway();
  gate.mock.script({ fault: { kind: 'rate_limit', retry_after: 7 } });
  const { headers } = await gate.chat();
  expect(headers.get('retry-after')).toBe('7');
  expect(headers.get('retry-after-ms')).toBe('7000');
});

test('with every backend down the caller gets a 503 with a waiting time', async () => {
  await using gate = await startGateway({ config: PRICED });
  gate.mock.refuse();
  gate.mock.dropConnections();
  const reply = await gate.chat();
  expect(reply.status).toBe(503);
  expect(reply.code).toBe('no_backend_available');
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(gate.rows()).toMatchObject([{ outcome: 'refused', cost_nano_usd: 0, attempts: 1 }]);
});

test('the next target is asked when nothing reached the first', async () => {
  await using gate = await startGateway({
    backends:
      'dead: { type: vllm, url: "http://127.0.0.1:1" }\n  mock: { type: vllm, url: "%MOCK%" }',
    config: 'models:\n  small: { targets: [dead, mock] }',
  });
  const reply = await gate.chat();
  expect(reply.status).toBe(200);
  expect(reply.headers.get('x-llmgate-backend')).toBe('mock');
  expect(reply.headers.get('x-llmgate-attempts')).toBe('2');
});

test('the usage chunk is hidden from who did not ask, and shown to who did', async () => {
  await using gate = await startGateway();
  const without = await gate.chat({ stream: true });
  expect(without.text).not.toContain('"prompt_tokens"');
  const asked = await gate.chat({ stream: true, stream_options: { include_usage: true } });
  expect(asked.text).toContain('"prompt_tokens"');
});
