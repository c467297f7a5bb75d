import { describe, expect, test } from 'vitest';
import { FAULT_KINDS, type FaultInput } from '../../../src/mock/fault.ts';
import { callMock, renderPost } from '../../support/mock-caller.ts';
import { startTestMock } from '../../support/start-mock.ts';

// What each fault puts on the wire, byte for byte where it matters, and how it is remembered.

interface Case {
  readonly fault: FaultInput | FaultInput[];
  readonly stream?: boolean;
  /** Leave when this has come: for replies that do not end by themselves. */
  readonly until?: RegExp;
  /** How the mock ends the connection. Without it the connection can be used again. */
  readonly end?: 'fin' | 'reset';
  readonly status?: number;
  readonly has?: (string | RegExp)[];
  readonly hasNot?: (string | RegExp)[];
  /** Promised length minus the length of what came. */
  readonly lengthOff?: number;
  readonly endedBy?: string;
  readonly tokensSent?: number;
}

const CLEAN_END = /\r\n0\r\n\r\n$/;
const DONE = 'data: [DONE]';
const stream = true;

const cases: Case[] = [
  // Another reply.
  {
    fault: { kind: 'status', status: 418, body: { no: 'tea' }, headers: { 'x-a': 'b' } },
    status: 418,
    has: ['{"no":"tea"}', 'x-a: b'],
  },
  { fault: { kind: 'status', status: 529 }, status: 529, has: ['"type":"server_error"'] },
  {
    fault: { kind: 'rate_limit' },
    status: 429,
    has: ['retry-after: 1\r\n', 'rate_limit_exceeded'],
  },
  {
    fault: { kind: 'rate_limit', retry_after: 'Fri, 31 Dec 2060 23:59:59 GMT' },
    status: 429,
    has: ['retry-after: Fri, 31 Dec 2060 23:59:59 GMT\r\n'],
  },
  {
    fault: { kind: 'rate_limit', retry_after: 1e12 },
    status: 429,
    has: ['retry-after: 1000000000000\r'],
  },
  { fault: { kind: 'server_error' }, status: 500, has: ['"type":"server_error"'] },
  {
    fault: { kind: 'loading' },
    status: 503,
    has: ['"message":"Loading model"', 'unavailable_error'],
  },
  {
    fault: { kind: 'context_length' },
    status: 400,
    has: ["This model's maximum context length is"],
  },
  { fault: { kind: 'unauthorized' }, status: 401, has: ['invalid_api_key'] },
  { fault: { kind: 'html' }, status: 200, has: ['content-type: text/html', '<h1>'] },
  { fault: { kind: 'no_content' }, status: 204, hasNot: ['content-length', 'content-type'] },
  { fault: { kind: 'redirect' }, status: 301, has: ['location: /elsewhere', 'content-length: 0'] },
  { fault: { kind: 'raw', text: 'NOPE\r\n\r\n' }, end: 'fin', has: [/^NOPE\r\n\r\n$/] },
  { fault: { kind: 'raw', text: 'HTTP/1.1 2', ends_with: 'reset' }, end: 'reset' },
  {
    fault: { kind: 'raw', text: 'HTTP/1.1 200 OK\r\n', ends_with: 'stall' },
    until: /OK\r\n/,
    endedBy: 'caller_left',
  },
  {
    fault: { kind: 'raw', text: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', ends_with: 'keep' },
    until: /\r\n\r\n/,
  },

  // Cut.
  { fault: { kind: 'reset' }, end: 'reset', has: [/^$/] },
  { fault: { kind: 'fin' }, end: 'fin', has: [/^$/] },
  {
    fault: { kind: 'reset', after_tokens: 0 },
    end: 'reset',
    has: ['content-length: '],
    hasNot: ['usage'],
  },
  {
    fault: { kind: 'fin', after_tokens: 0 },
    end: 'fin',
    has: ['content-length: '],
    hasNot: ['usage'],
  },
  { fault: { kind: 'bad_chunk' }, end: 'fin', has: ['transfer-encoding: chunked', 'zz\r\n'] },
  {
    fault: { kind: 'stall', after_tokens: 1 },
    until: /\{"id"/,
    hasNot: ['usage'],
    endedBy: 'caller_left',
  },
  {
    stream,
    fault: { kind: 'reset', after_tokens: 3 },
    end: 'reset',
    tokensSent: 3,
    hasNot: [DONE],
  },
  {
    stream,
    fault: { kind: 'fin', after_tokens: 3 },
    end: 'fin',
    tokensSent: 3,
    hasNot: [DONE, CLEAN_END],
  },
  {
    stream,
    fault: { kind: 'bad_chunk', after_tokens: 2 },
    end: 'fin',
    tokensSent: 2,
    has: [/\r\nzz\r\n/],
  },
  {
    stream,
    fault: { kind: 'stall', after_tokens: 2 },
    until: /"content":" /,
    tokensSent: 2,
    endedBy: 'caller_left',
  },
  {
    stream,
    fault: { kind: 'no_terminal' },
    has: [CLEAN_END, '"finish_reason":"stop"'],
    hasNot: [DONE],
  },
  {
    stream,
    fault: { kind: 'no_finish' },
    has: [CLEAN_END],
    hasNot: [DONE, '"finish_reason":"stop"'],
    tokensSent: 6,
  },
  {
    stream,
    fault: { kind: 'no_finish', after_tokens: 2 },
    has: [CLEAN_END],
    hasNot: [DONE],
    tokensSent: 2,
  },
  {
    stream,
    fault: { kind: 'role_only' },
    has: [CLEAN_END, '"role":"assistant"'],
    hasNot: [DONE, '"finish_reason":"stop"'],
    tokensSent: 0,
  },
  {
    stream,
    fault: { kind: 'error_frame', after_tokens: 2, message: 'out of memory' },
    has: [CLEAN_END, 'data: {"error":{"message":"out of memory"'],
    hasNot: [DONE],
    tokensSent: 2,
  },

  // Something in between; the answer goes on.
  {
    stream,
    fault: { kind: 'malformed', after_tokens: 2 },
    has: ['"content":"x"\n\n', DONE],
    endedBy: 'complete',
    tokensSent: 6,
  },
  {
    fault: { kind: 'malformed' },
    has: [/content-length: \d+\r\n/],
    hasNot: ['usage'],
    endedBy: 'complete',
  },
  {
    stream,
    fault: { kind: 'bad_utf8', after_tokens: 1 },
    has: ['\xc3\x28\xff\n\n', DONE],
    endedBy: 'complete',
  },
  {
    stream,
    fault: { kind: 'huge_line', after_tokens: 1, bytes: 2_000_000 },
    has: [/x{2000000}/, DONE],
    endedBy: 'complete',
  },
  {
    stream,
    fault: { kind: 'comments', after_tokens: 2, count: 5, every_ms: 0 },
    has: [/(: keep-alive\n\n\r\n[^:]*){5}/, DONE],
    endedBy: 'complete',
  },
  { stream, fault: { kind: 'comments' }, until: /(: keep-alive[^:]*){20}/, endedBy: 'caller_left' },
  {
    stream,
    fault: { kind: 'inject', after_tokens: 6, text: 'event: odd\ndata: 1\n\n' },
    has: ['event: odd\ndata: 1\n\n', DONE],
    endedBy: 'complete',
  },

  // Unusual bytes around a whole answer.
  { stream, fault: { kind: 'crlf' }, has: ['data: [DONE]\r\n\r\n'], endedBy: 'complete' },
  { stream, fault: { kind: 'drip', bytes: 7 }, has: [DONE, CLEAN_END], endedBy: 'complete' },
  {
    stream,
    fault: { kind: 'close_delimited' },
    end: 'fin',
    has: [DONE],
    hasNot: ['transfer-encoding'],
    endedBy: 'complete',
  },
  {
    stream,
    fault: [{ kind: 'close_delimited' }, { kind: 'fin', after_tokens: 2 }],
    end: 'fin',
    hasNot: [DONE],
    tokensSent: 2,
  },
  { fault: { kind: 'content_length', delta: 9 }, end: 'fin', lengthOff: 9 },
  { fault: { kind: 'content_length', delta: -9 }, lengthOff: -9 },
  {
    stream,
    fault: { kind: 'content_length', delta: 5 },
    end: 'fin',
    has: [DONE],
    hasNot: ['chunked'],
    lengthOff: 5,
  },
  {
    fault: { kind: 'informational', count: 3 },
    has: [/^(HTTP\/1.1 103 Early Hints\r\nlink.*\r\n\r\n){3}HTTP\/1.1 200/],
    endedBy: 'complete',
  },
  {
    fault: { kind: 'hop_headers' },
    has: ['set-cookie:', 'upgrade: h2c', 'connection: x-hop'],
    endedBy: 'complete',
  },
  {
    fault: { kind: 'huge_header', bytes: 100_000 },
    has: [/x-padding: p{100000}\r\n/],
    endedBy: 'complete',
  },
  {
    fault: { kind: 'close_after' },
    end: 'fin',
    has: ['"usage":'],
    hasNot: ['connection: close'],
    endedBy: 'complete',
  },
  { fault: { kind: 'reset_after' }, end: 'reset', endedBy: 'complete' },
];

describe('faults', () => {
  test.each(cases.map((one) => ({ name: nameOf(one), one })))('$name', async ({ one }) => {
    await using mock = await startTestMock({ behaviour: { tokens: 6 } });
    mock.script({ fault: one.fault });
    const body = { model: 'm', stream: one.stream ?? false, messages: [{ content: 'hello' }] };
    const caller = callMock(mock.port, renderPost('/v1/chat/completions', body));
    if (one.until !== undefined) {
      await caller.until(one.until);
      caller.leave();
    }
    await mock.untilRequests(1);
    await mock.untilIdle();
    if (one.until === undefined) {
      if (one.end === undefined) expect(mock.stats().open_connections).toBe(1);
      caller.finish();
      expect(await caller.ended).toBe(one.end ?? 'fin');
    }
    for (const part of one.has ?? []) expect(caller.text).toMatch(part);
    for (const part of one.hasNot ?? []) expect(caller.text).not.toMatch(part);
    if (one.status !== undefined) expect(caller.text).toMatch(`HTTP/1.1 ${one.status} `);
    if (one.lengthOff !== undefined) {
      const [head = '', body = ''] = caller.text.split('\r\n\r\n');
      const promised = Number(/content-length: (\d+)/.exec(head)?.[1]);
      expect(promised - body.length).toBe(one.lengthOff);
    }
    const [seen] = mock.requests();
    expect(seen).toMatchObject({
      fault: kindsOf(one).join('+'),
      ended_by: one.endedBy ?? 'fault',
      tokens_sent: one.tokensSent ?? seen?.tokens_sent,
    });
  });

  test('every kind is in a case here, or below', () => {
    const covered = new Set(cases.flatMap(kindsOf));
    expect(FAULT_KINDS.filter((kind) => !covered.has(kind))).toEqual(['usage', 'gzip']);
  });
});

function kindsOf({ fault }: Case): string[] {
  return [fault].flat().map(({ kind }) => kind);
}

function nameOf(one: Case): string {
  return `${one.stream === true ? 'stream' : 'whole'}: ${JSON.stringify(one.fault)}`;
}
