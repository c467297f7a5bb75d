import { expect } from 'vitest';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import type { LlmgateProcess } from './llmgate-process.ts';
import { RawCaller, type RawReply } from './raw-caller.ts';
import { type IssuedKey, ServeLab } from './serve-lab.ts';

export const CHAT = '/v1/chat/completions';

/** A chat request that is answered. */
export const GOOD_BODY = '{"model":"small","messages":[{"role":"user","content":"hi"}]}';

/** Small enough that a body over it costs a test nothing. */
const MAX_BODY = '24MB';
export const MAX_BODY_BYTES = 24_000_000;

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * One request, written byte by byte; what is left out is as a good client would send it. `%KEY%` in
 * target, host and headers stands for a valid key.
 */
export interface Writing {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  readonly host?: string | null;
  /** null sends no credential. */
  readonly key?: string | null;
  /** Whole header lines, without their line end; Latin-1. */
  readonly headers?: readonly string[];
  readonly contentType?: string | null;
  readonly body?: string | Uint8Array;
  /** Said in Content-Length; null leaves the header out. The size of the body by default. */
  readonly length?: number | string | null;
}

/** A request that must be refused, and how. */
export interface BadRequest extends Writing {
  readonly name: string;
  /** Sent as it is, in place of everything else. `%KEY%` stands for a valid key. */
  readonly raw?: string | Uint8Array;
  /** `closed`: the connection ends without a reply. */
  readonly status: number | 'closed';
  /** Without a code the refusal is the HTTP parser's, which has no body and always closes. */
  readonly code?: string;
  readonly param?: string;
  /** Part of the message. */
  readonly says?: string;
  readonly closes?: boolean;
  /** The request is never finished, so nothing can follow it on its connection. */
  readonly isUnfinished?: boolean;
  /** Code of the one row it leaves, null for none. `code` when it is left out. */
  readonly row?: string | null;
}

export interface BadInputLab extends AsyncDisposable {
  readonly mock: Mock;
  readonly serve: ServeLab;
  readonly url: string;
  readonly process: LlmgateProcess;
  /** May use the model `small` and no other. */
  readonly key: IssuedKey;
  log(): string;
  /** The bytes of a request with the lab's key. */
  write(writing: Writing): Buffer;
  connect(): Promise<RawCaller>;
  /** Sends one request on a connection of its own. */
  ask(bytes: string | Uint8Array): Promise<RawReply | 'closed'>;
  /** Sends the bad request and checks everything that must be true of every refusal. */
  refuse(bad: BadRequest): Promise<RawReply | 'closed'>;
}

/** The compiled gateway, one model to see and one that is hidden from the key. */
export async function startBadInputLab(): Promise<BadInputLab> {
  const mock = await startMock({ models: ['small'] });
  const serve = new ServeLab(`max_body: ${MAX_BODY}
log: { level: debug }
backends:
  mock: { type: vllm, url: "${mock.url}" }
models:
  hidden: { targets: [mock] }
`);
  const served = await serve.serve();
  const key = await serve.createKey('caller', '--models', 'small');
  const write = (writing: Writing) => toBytes({ key: key.key, ...writing }, key.key);
  const connect = () => RawCaller.connect(served.url);
  const ask = async (bytes: string | Uint8Array) => {
    using caller = await connect();
    await caller.write(bytes);
    return await caller.reply();
  };

  const refuse = async (bad: BadRequest) => {
    const [last] = serve.query<{ seq: number }>('SELECT max(seq) AS seq FROM request_log');
    const seenBefore = mock.stats().requests;
    using caller = await connect();
    await caller.write(bad.raw === undefined ? write(bad) : toRaw(bad.raw, key.key));
    const reply = await caller.reply({ toHead: bad.method === 'HEAD' });
    checkReply(reply, bad);
    if (reply !== 'closed' && bad.isUnfinished !== true) {
      expect(await caller.isReusable()).toBe(bad.closes !== true && bad.code !== undefined);
    }
    expect(mock.stats().requests).toBe(seenBefore);
    // Everybody else is served right after, and their row is written behind the one looked for.
    expect(await ask(write({ body: GOOD_BODY }))).toMatchObject({ status: 200 });
    const row = bad.row === undefined ? (bad.code ?? null) : bad.row;
    expect(serve.rows(`seq > ${last?.seq ?? 0}`)).toMatchObject([
      ...(row === null ? [] : [{ outcome: 'refused', code: row, cost_nano_usd: 0 }]),
      { outcome: 'served' },
    ]);
    return reply;
  };
  return {
    mock,
    serve,
    url: served.url,
    process: served.process,
    key,
    log: () => served.process.lines.join('\n'),
    write,
    connect,
    ask,
    refuse,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await mock.stop();
      serve[Symbol.dispose]();
    },
  };
}

function toBytes(writing: Writing, validKey: string): Buffer {
  const { method = 'POST', target = CHAT, version = 'HTTP/1.1', host = 'localhost' } = writing;
  const { key = null, headers = [], contentType = 'application/json', body = '' } = writing;
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body);
  const { length = bytes.length } = writing;
  const lines = [
    `${method} ${target} ${version}`,
    ...(host === null ? [] : [`Host: ${host}`]),
    ...(key === null ? [] : [`Authorization: Bearer ${key}`]),
    ...(contentType === null ? [] : [`Content-Type: ${contentType}`]),
    ...(length === null ? [] : [`Content-Length: ${length}`]),
    ...headers,
  ];
  const head = withKey(`${lines.join('\r\n')}\r\n\r\n`, validKey);
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

function toRaw(raw: string | Uint8Array, key: string): string | Uint8Array {
  return typeof raw === 'string' ? withKey(raw, key) : raw;
}

function withKey(text: string, key: string): string {
  return text.replaceAll('%KEY%', key);
}

/** Status, code and the shape of the API that was asked; the parser's own refusals have no body. */
function checkReply(reply: RawReply | 'closed', bad: BadRequest): void {
  if (reply === 'closed' || bad.status === 'closed') return expect(reply).toBe(bad.status);
  const told = { status: reply.status, code: reply.headers.get('x-llmgate-error') };
  expect(told).toEqual({ status: bad.status, code: bad.code });
  if (bad.code === undefined) {
    expect(reply.body).toBe('');
    return;
  }
  expect(reply.headers.get('content-type')).toBe('application/json');
  expect(reply.headers.get('x-request-id')).toMatch(UUID_V7);
  if (bad.method === 'HEAD') return;
  const message = bad.says === undefined ? expect.any(String) : expect.stringContaining(bad.says);
  if ((bad.target ?? CHAT).startsWith('/v1/messages')) {
    expect(JSON.parse(reply.body)).toEqual({
      type: 'error',
      error: { type: expect.any(String), message },
      request_id: reply.headers.get('x-request-id'),
    });
    return;
  }
  const { code, param = null } = bad;
  expect(JSON.parse(reply.body)).toEqual({
    error: { message, type: 'invalid_request_error', param, code },
  });
}
