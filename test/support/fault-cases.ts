import type { FaultInput } from '../../src/mock/fault.ts';

// What a backend can do wrong, and what a caller may see of it: behind a pool with a well backend
// nothing, as long as nothing of the answer was sent; without one an honest error.

/** What the caller of a request sees, and what its row says. */
export interface Ending {
  readonly status: number;
  /** undefined: all is well. */
  readonly code?: string;
  readonly attempts: number;
  readonly outcome: 'served' | 'refused' | 'cut_by_backend';
}

export interface FaultCase {
  readonly name: string;
  /** Where the backend is; the mock that misbehaves unless told otherwise. */
  readonly at?: 'closed' | 'full' | 'stopped' | 'nowhere';
  readonly fault?: FaultInput;
  /** What the attempt that met the fault is booked with; null when it served. */
  readonly attempt: { readonly code: string | null; readonly status: number | null };
  /** With a well backend beside it, and with none: whole, then streamed; null is not tried. */
  readonly paired: readonly [whole: Ending | null, streamed: Ending | null];
  readonly alone: readonly [whole: Ending | null, streamed: Ending | null];
  /** What `retry-after` says when there is nobody else. */
  readonly retryAfter?: RegExp;
}

const byOther: Ending = { status: 200, attempts: 2, outcome: 'served' };
const asIfNothing: Ending = { status: 200, attempts: 1, outcome: 'served' };

function refused(status: number, code: string, attempts = 2): Ending {
  return { status, code, attempts, outcome: 'refused' };
}

function cut(code: string): Ending {
  return { status: 200, code, attempts: 1, outcome: 'cut_by_backend' };
}

/** Nothing of an answer has come, so another backend answers; alone it is asked once more. */
function beforeAnything(
  name: string,
  where: Pick<FaultCase, 'at' | 'fault' | 'retryAfter'>,
  [status, code]: readonly [number, string],
  backendStatus: number | null = null,
): FaultCase {
  const end = refused(status, code);
  return {
    ...{ name, ...where, attempt: { code, status: backendStatus } },
    ...{ paired: [byOther, byOther], alone: [end, end] },
  };
}

/** Content has come: a stream is cut, and a whole answer, of which the caller has nothing, is not. */
function midway(name: string, fault: FaultInput, [whole, streamed]: readonly [string, string]) {
  return [
    {
      ...{ name: `${name}, of a stream`, fault, attempt: { code: streamed, status: 200 } },
      ...{ paired: [null, cut(streamed)], alone: [null, cut(streamed)] },
    },
    {
      ...{ name: `${name}, of a whole answer`, fault, attempt: { code: whole, status: 200 } },
      ...{ paired: [byOther, null], alone: [refused(statusOf(whole), whole), null] },
    },
  ] satisfies FaultCase[];
}

function statusOf(code: string): number {
  return code === 'backend_timeout' ? 504 : 502;
}

function raw(text: string, ends_with: 'fin' | 'reset' | 'stall' | 'keep' = 'keep'): FaultInput {
  return { kind: 'raw', text, ends_with };
}

const UNREACHABLE = [503, 'no_backend_available'] as const;
const PROTOCOL = [502, 'backend_protocol_error'] as const;
const ERROR = [502, 'backend_error'] as const;
const TIMEOUT = [504, 'backend_timeout'] as const;
const BROKEN = 'backend_stream_broken';

const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';
const DELTA = 'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n';
const DONE = 'data: [DONE]\n\n';

export const FAULTS: readonly FaultCase[] = [
  beforeAnything('nothing listens', { at: 'closed', retryAfter: /^2$/ }, UNREACHABLE),
  beforeAnything('a handshake that hangs', { at: 'full', retryAfter: /^2$/ }, UNREACHABLE),
  beforeAnything('a name that does not exist', { at: 'nowhere', retryAfter: /^2$/ }, UNREACHABLE),
  beforeAnything('a frozen process', { at: 'stopped' }, TIMEOUT),
  beforeAnything('silence', { fault: { kind: 'stall' } }, TIMEOUT),
  beforeAnything('RST before a reply', { fault: { kind: 'reset' } }, ERROR),
  beforeAnything('FIN before a reply', { fault: { kind: 'fin' } }, ERROR),
  beforeAnything('a web page', { fault: { kind: 'html' } }, PROTOCOL, 200),
  beforeAnything('204', { fault: { kind: 'no_content' } }, PROTOCOL, 204),
  beforeAnything('a redirect', { fault: { kind: 'redirect' } }, PROTOCOL, 301),
  beforeAnything('a header of 128 KB', { fault: { kind: 'huge_header' } }, PROTOCOL),
  beforeAnything(
    'headers without end',
    { fault: raw('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-A: b\r\n') },
    TIMEOUT,
  ),
  beforeAnything('interim replies without end', { fault: { kind: 'informational' } }, PROTOCOL),
  beforeAnything('words that are no HTTP', { fault: raw('hello\r\n\r\n') }, PROTOCOL),
  beforeAnything(
    'two lengths',
    {
      fault: raw(`${EVENTS}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`),
    },
    PROTOCOL,
  ),
  beforeAnything('500', { fault: { kind: 'server_error' } }, ERROR, 500),
  beforeAnything('its own 504', { fault: { kind: 'status', status: 504 } }, TIMEOUT, 504),
  beforeAnything('401 for the gateway', { fault: { kind: 'unauthorized' } }, ERROR, 401),
  beforeAnything(
    'a stream without a frame, a whole answer without a byte',
    { fault: raw('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') },
    PROTOCOL,
    200,
  ),
  {
    name: 'a length that is too long',
    fault: { kind: 'content_length', delta: 5 },
    attempt: { code: BROKEN, status: 200 },
    paired: [byOther, null],
    alone: [refused(502, BROKEN), null],
  },
  {
    name: 'a length that is too short',
    fault: { kind: 'content_length', delta: -5 },
    attempt: { code: 'backend_protocol_error', status: 200 },
    paired: [byOther, null],
    alone: [refused(502, 'backend_protocol_error'), null],
  },
  {
    name: 'a role and then FIN',
    fault: { kind: 'role_only' },
    attempt: { code: BROKEN, status: 200 },
    paired: [null, byOther],
    alone: [null, refused(502, BROKEN)],
  },
  ...midway('silence midway', { kind: 'stall', after_tokens: 3 }, [TIMEOUT[1], TIMEOUT[1]]),
  ...midway('RST midway', { kind: 'reset', after_tokens: 3 }, [BROKEN, BROKEN]),
  ...midway('FIN midway', { kind: 'fin', after_tokens: 3 }, [BROKEN, BROKEN]),
  ...midway('a bad chunk midway', { kind: 'bad_chunk', after_tokens: 3 }, [
    PROTOCOL[1],
    PROTOCOL[1],
  ]),
  {
    name: 'no terminal, and otherwise whole',
    fault: { kind: 'no_terminal' },
    attempt: { code: BROKEN, status: 200 },
    paired: [null, cut(BROKEN)],
    alone: [null, cut(BROKEN)],
  },
  {
    name: 'one line of 10 MB midway',
    fault: { kind: 'huge_line', after_tokens: 3 },
    attempt: { code: PROTOCOL[1], status: 200 },
    paired: [null, cut(PROTOCOL[1])],
    alone: [null, cut(PROTOCOL[1])],
  },
  {
    name: 'one line of 3 MB and nothing before',
    fault: raw(`${EVENTS}Content-Length: 3000006\r\n\r\ndata: ${'a'.repeat(3_000)}`),
    attempt: { code: TIMEOUT[1], status: 200 },
    paired: [null, byOther],
    alone: [null, refused(504, TIMEOUT[1])],
  },
  {
    name: 'comments without end, behind content',
    fault: { kind: 'comments', after_tokens: 3, every_ms: 20 },
    attempt: { code: TIMEOUT[1], status: 200 },
    paired: [null, cut(TIMEOUT[1])],
    alone: [null, cut(TIMEOUT[1])],
  },
  {
    name: 'comments without end, and nothing else',
    fault: { kind: 'comments', every_ms: 20 },
    attempt: { code: TIMEOUT[1], status: 200 },
    paired: [null, { ...cut(TIMEOUT[1]), outcome: 'refused' }],
    alone: [null, { ...cut(TIMEOUT[1]), outcome: 'refused' }],
  },
  {
    name: 'an error frame',
    fault: { kind: 'error_frame', after_tokens: 3 },
    attempt: { code: 'backend_error', status: 200 },
    paired: [null, cut('backend_error')],
    alone: [null, cut('backend_error')],
  },
  {
    name: 'an error frame before anything else',
    fault: { kind: 'error_frame' },
    attempt: { code: 'backend_error', status: 200 },
    paired: [null, byOther],
    alone: [null, refused(502, 'backend_error')],
  },
  {
    name: 'two terminals',
    fault: raw(
      `${EVENTS}Content-Length: ${(DELTA + DONE + DONE).length}\r\n\r\n${DELTA}${DONE}${DONE}`,
    ),
    attempt: { code: null, status: 200 },
    paired: [null, asIfNothing],
    alone: [null, asIfNothing],
  },
  {
    name: '429 with seconds',
    fault: { kind: 'rate_limit', retry_after: 1 },
    attempt: { code: 'rate_limit_exceeded', status: 429 },
    paired: [byOther, byOther],
    alone: [refused(429, 'rate_limit_exceeded'), refused(429, 'rate_limit_exceeded')],
    retryAfter: /^1$/,
  },
  {
    name: '429 with more seconds than anybody waits',
    fault: { kind: 'rate_limit', retry_after: 30 },
    attempt: { code: 'rate_limit_exceeded', status: 429 },
    paired: [byOther, byOther],
    alone: [refused(429, 'rate_limit_exceeded', 1), refused(429, 'rate_limit_exceeded', 1)],
    retryAfter: /^30$/,
  },
  {
    name: '429 with a date in ten years',
    fault: { kind: 'rate_limit', retry_after: 'Tue, 01 Jan 2036 00:00:00 GMT' },
    attempt: { code: 'rate_limit_exceeded', status: 429 },
    paired: [byOther, byOther],
    alone: [refused(429, 'rate_limit_exceeded', 1), refused(429, 'rate_limit_exceeded', 1)],
    retryAfter: /^600$/,
  },
  {
    name: '429 with nonsense',
    fault: { kind: 'rate_limit', retry_after: 'soon' },
    attempt: { code: 'rate_limit_exceeded', status: 429 },
    paired: [byOther, byOther],
    alone: [refused(429, 'rate_limit_exceeded'), refused(429, 'rate_limit_exceeded')],
  },
  beforeAnything(
    '503',
    { fault: { kind: 'status', status: 503 }, retryAfter: /^2$/ },
    UNREACHABLE,
    503,
  ),
  {
    name: '400, which is the fault of the request',
    fault: { kind: 'status', status: 400, body: { error: { message: 'no such temperature' } } },
    attempt: { code: 'invalid_request', status: 400 },
    paired: [refused(400, 'invalid_request', 1), refused(400, 'invalid_request', 1)],
    alone: [refused(400, 'invalid_request', 1), refused(400, 'invalid_request', 1)],
  },
];
