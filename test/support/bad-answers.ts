import type { FaultInput } from '../../src/mock/fault.ts';

// How a backend can answer as none should, what the caller then gets and what the books say.

/** Words so short that one token each is also what their length says. */
export const SEVEN = 'a b c d e f g';

export interface Expected {
  readonly status: number;
  /** Of the reply, or of the error frame when the stream had begun. */
  readonly code?: string;
  readonly says?: string;
  readonly row: Readonly<Record<string, unknown>>;
  /** What becomes of the connection to the backend; either way when it is left out. */
  readonly connection?: 'reused' | 'closed';
}

export interface Answer extends Expected {
  readonly name: string;
  readonly fault: FaultInput;
  readonly stream?: boolean;
}

/** A stream that began: the caller holds a 200. */
const cut = (code: string, row: object = {}) => ({
  stream: true,
  status: 200,
  code,
  row: { outcome: 'cut_by_backend', code, status: 200, estimated: 1, ...row },
});

/** Nothing was produced: nothing is owed. */
const refused = (status: number, code: string) => ({
  status,
  code,
  row: { outcome: 'refused', code, status, output_tokens: 0, cost_nano_usd: 0, estimated: 0 },
});

const asReported = { output_tokens: 7, usage_source: 'reported', estimated: 0 };
const good = { status: 200, row: { outcome: 'served', code: null, ...asReported } };

const JSON_REPLY = 'Content-Type: application/json\r\n';
const EVENTS = 'Content-Type: text/event-stream\r\n';
const WHOLE =
  '{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"}}],' +
  '"usage":{"prompt_tokens":1,"completion_tokens":7,"total_tokens":8}}';
const DELTA = 'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n';
const DONE = 'data: [DONE]\n\n';

/** Exactly these bytes; the connection stays open behind them. */
function raw(text: string): FaultInput {
  return { kind: 'raw', text, ends_with: 'keep' };
}

function reply(headers: string, body: string, status = '200 OK'): FaultInput {
  const length = Buffer.byteLength(body);
  return raw(`HTTP/1.1 ${status}\r\n${headers}Content-Length: ${length}\r\n\r\n${body}`);
}

export const protocolError = refused(502, 'backend_protocol_error');

export const notTheProtocol: Answer[] = [
  {
    name: 'a web page',
    fault: { kind: 'html' },
    ...protocolError,
    says: '"text/html" instead of application/json',
  },
  {
    name: 'a web page in place of a stream',
    fault: { kind: 'html' },
    stream: true,
    ...protocolError,
    says: '"text/html" instead of text/event-stream',
  },
  {
    name: 'a JSON answer in place of a stream',
    fault: reply(JSON_REPLY, WHOLE),
    stream: true,
    ...protocolError,
  },
  { name: 'a stream in place of an answer', fault: reply(EVENTS, DELTA + DONE), ...protocolError },
  { name: 'an answer without a type', fault: reply('', WHOLE), ...protocolError },
  {
    name: 'a type that plays tricks on terminals',
    fault: reply('Content-Type: text/\x9b31m\r\n', WHOLE),
    ...protocolError,
    says: '"text/',
  },
  { name: '204', fault: { kind: 'no_content' }, ...protocolError, connection: 'reused' },
  { name: '204 for a stream', fault: { kind: 'no_content' }, stream: true, ...protocolError },
  { name: '206', fault: reply(JSON_REPLY, WHOLE, '206 Partial Content'), ...protocolError },
  {
    name: '301, which is not followed',
    fault: { kind: 'redirect', location: '/v1/models' },
    ...protocolError,
    says: 'unexpected status 301',
  },
  { name: 'gzip, though not asked', fault: { kind: 'gzip' }, ...protocolError, says: 'compressed' },
  {
    name: 'a stream in gzip',
    fault: { kind: 'gzip' },
    stream: true,
    ...protocolError,
    says: 'compressed',
  },
  { name: 'half a JSON document', fault: reply(JSON_REPLY, WHOLE.slice(0, -5)), ...protocolError },
  { name: 'a list', fault: reply(JSON_REPLY, `[${WHOLE}]`), ...protocolError },
  { name: 'null', fault: reply(JSON_REPLY, 'null'), ...protocolError },
  { name: 'nothing as JSON', fault: reply(JSON_REPLY, ''), ...protocolError },
  {
    name: 'an error under a 200',
    fault: reply(JSON_REPLY, '{"error":{"message":"boom \\u001b[31m\\nok"}}'),
    ...refused(502, 'backend_error'),
    says: 'boom  [31m ok',
  },
  {
    name: 'an error of its own account',
    fault: { kind: 'unauthorized' },
    ...refused(502, 'backend_error'),
    says: 'The backend refused the gateway.',
  },
];

const closedUnanswered = { ...refused(502, 'backend_error'), connection: 'closed' } as const;
const notHttp = { ...protocolError, says: 'not HTTP', connection: 'closed' } as const;

export const notHttpAtAll: Answer[] = [
  { name: 'FIN before a reply', fault: { kind: 'fin' }, ...closedUnanswered },
  { name: 'RST before a reply', fault: { kind: 'reset' }, ...closedUnanswered },
  { name: 'words', fault: raw('hello\r\n\r\n'), ...notHttp },
  { name: 'a flood of interim replies', fault: { kind: 'informational' }, ...notHttp },
  { name: 'a header of 128 KB', fault: { kind: 'huge_header' }, ...notHttp },
  {
    name: 'another protocol',
    fault: raw('HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'),
    ...notHttp,
  },
  { name: 'a NUL in a header', fault: reply('X-A: a\0b\r\n', WHOLE), ...notHttp },
  { name: 'a folded header', fault: reply('X-A: a\r\n b\r\n', WHOLE), ...notHttp },
  { name: 'bare line feeds', fault: raw('HTTP/1.1 200 OK\nContent-Length: 0\n\n'), ...notHttp },
  { name: 'two lengths', fault: reply(`${JSON_REPLY}Content-Length: 3\r\n`, WHOLE), ...notHttp },
  {
    name: 'a length and chunks',
    fault: reply(`${JSON_REPLY}Transfer-Encoding: chunked\r\n`, WHOLE),
    ...notHttp,
  },
  { name: 'a chunk size that is none', fault: { kind: 'bad_chunk' }, ...notHttp },
  {
    name: 'a length that is too long',
    fault: { kind: 'content_length', delta: 5 },
    ...refused(502, 'backend_stream_broken'),
    connection: 'closed',
  },
  {
    name: 'a length that is too short',
    fault: { kind: 'content_length', delta: -5 },
    ...protocolError,
    connection: 'closed',
  },
];

export const brokenStreams: Answer[] = [
  {
    name: 'FIN midway',
    fault: { kind: 'fin', after_tokens: 3 },
    ...cut('backend_stream_broken', { output_tokens: 3 }),
    connection: 'closed',
  },
  {
    name: 'RST midway',
    fault: { kind: 'reset', after_tokens: 3 },
    ...cut('backend_stream_broken'),
    connection: 'closed',
  },
  {
    name: 'no terminal, and otherwise whole',
    fault: { kind: 'no_terminal' },
    ...cut('backend_stream_broken', { output_tokens: 7 }),
  },
  {
    name: 'a role and then FIN',
    fault: { kind: 'role_only' },
    stream: true,
    ...refused(502, 'backend_stream_broken'),
  },
  {
    name: 'a stream without a frame',
    fault: reply(EVENTS, ''),
    stream: true,
    ...refused(502, 'backend_stream_broken'),
  },
  {
    name: 'half a frame',
    fault: reply(EVENTS, `${DELTA}data: {"ch`),
    ...cut('backend_stream_broken'),
  },
  {
    name: 'a frame that is no JSON',
    fault: { kind: 'malformed', after_tokens: 3 },
    ...cut('backend_protocol_error', { output_tokens: 3 }),
  },
  {
    name: 'a frame that is no object',
    fault: reply(EVENTS, `${DELTA}data: null\n\n${DONE}`),
    stream: true,
    ...refused(502, 'backend_protocol_error'),
  },
  {
    name: 'a frame that is no UTF-8',
    fault: { kind: 'bad_utf8', after_tokens: 3 },
    ...cut('backend_protocol_error'),
  },
  {
    name: 'one line of 10 MB',
    fault: { kind: 'huge_line', after_tokens: 3 },
    ...cut('backend_protocol_error', { output_tokens: 3 }),
    says: 'a frame that does not end',
    connection: 'closed',
  },
  {
    name: 'one line of 10 MB and nothing before',
    fault: reply(EVENTS, `data: ${'a'.repeat(3_000_000)}`),
    stream: true,
    ...protocolError,
    connection: 'closed',
  },
  {
    name: 'a bad chunk midway',
    fault: { kind: 'bad_chunk', after_tokens: 3 },
    ...cut('backend_protocol_error'),
  },
  {
    name: 'an error frame',
    fault: { kind: 'error_frame', after_tokens: 3, message: 'CUDA \u001b[31mgone' },
    ...cut('backend_error'),
    says: 'CUDA  [31mgone',
  },
  {
    name: 'an error event',
    fault: reply(EVENTS, `${DELTA}event: error\ndata: {"message":"boom"}\n\n${DONE}`),
    stream: true,
    ...refused(502, 'backend_error'),
    says: 'boom',
  },
];

export const unusual: Answer[] = [
  {
    name: 'frames with CRLF',
    fault: { kind: 'crlf' },
    stream: true,
    ...good,
    connection: 'reused',
  },
  { name: 'byte by byte', fault: { kind: 'drip' }, ...good, connection: 'reused' },
  {
    name: 'a stream byte by byte',
    fault: { kind: 'drip' },
    stream: true,
    ...good,
    connection: 'reused',
  },
  { name: 'ended by FIN alone', fault: { kind: 'close_delimited' }, ...good, connection: 'closed' },
  {
    name: 'a stream ended by FIN alone, behind its terminal',
    fault: { kind: 'close_delimited' },
    stream: true,
    ...good,
    connection: 'closed',
  },
  {
    name: 'RST right after the answer',
    fault: { kind: 'reset_after' },
    ...good,
    connection: 'closed',
  },
  {
    name: 'hop-by-hop headers and cookies',
    fault: { kind: 'hop_headers' },
    ...good,
    connection: 'reused',
  },
  {
    name: 'a second reply that nobody asked for',
    fault: raw(
      `HTTP/1.1 200 OK\r\n${JSON_REPLY}Content-Length: ${WHOLE.length}\r\n\r\n${WHOLE}` +
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    ),
    ...good,
    connection: 'closed',
  },
  {
    name: 'frames behind the terminal',
    fault: reply(EVENTS, DELTA + DONE + DELTA),
    stream: true,
    status: 200,
    row: { outcome: 'served', output_tokens: 1 },
  },
  {
    name: 'a token that says it is the terminal',
    fault: reply(EVENTS, DELTA.replace('"a"', '"\\n\\ndata: [DONE]\\n\\n"') + DONE),
    stream: true,
    status: 200,
    row: { outcome: 'served', estimated: 1 },
  },
];

const counted = { status: 200, row: { outcome: 'served', usage_source: 'counted', estimated: 1 } };
const clamped = { status: 200, row: { ...counted.row, usage_source: 'clamped' } };

export const usages: Answer[] = (['negative', 'fractional', 'string', 'missing'] as const).flatMap(
  (value) => {
    // What cannot be is flagged as such; what is not there is no lie.
    const row = value === 'missing' ? counted.row : clamped.row;
    return [
      {
        name: `${value} usage is counted by us`,
        fault: { kind: 'usage', value },
        status: 200,
        row,
      },
      {
        name: `${value} usage in a stream is counted by us`,
        fault: { kind: 'usage', value },
        stream: true,
        status: 200,
        row: { ...row, output_tokens: 7, cost_nano_usd: 19_000 },
      },
    ];
  },
);
usages.push(
  {
    name: 'usage times 10^9 is replaced by our own count, and flagged',
    fault: { kind: 'usage', value: 'huge' },
    ...clamped,
  },
  {
    name: 'usage twice counts once',
    fault: { kind: 'usage', value: 'twice' },
    stream: true,
    ...good,
  },
);
