import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type BadInputLab,
  type BadRequest,
  GOOD_BODY,
  MAX_BODY_BYTES,
  startBadInputLab,
} from '../support/bad-input-lab.ts';

// Bodies that nobody should send, to the compiled gateway over raw sockets. Each of them is refused
// in the caller's protocol, leaves at most one row, reaches no backend and disturbs nobody.

let lab: BadInputLab;
beforeAll(async () => {
  lab = await startBadInputLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const MESSAGES = '"messages":[{"role":"user","content":"hi"}]';

/** A chat request with these members besides model and messages. */
function having(members: string): string {
  return `{"model":"small",${MESSAGES},${members}}`;
}

function messages(json: string): string {
  return `{"model":"small","messages":${json}}`;
}

function naming(model: string): string {
  return `{"model":${JSON.stringify(model)},${MESSAGES}}`;
}

const json = { status: 400, code: 'invalid_json' } as const;
const invalid = { status: 400, code: 'invalid_request' } as const;
const unsupported = { status: 400, code: 'unsupported_field' } as const;
const unknownModel = { status: 404, code: 'model_not_found', param: 'model' } as const;

const notOneObject: BadRequest[] = [
  { name: 'nothing', ...json, body: '', says: 'is empty' },
  { name: 'no body at all', ...json, length: null, says: 'is empty' },
  { name: 'null', ...json, body: 'null', says: 'must be a JSON object, at byte 0' },
  { name: 'a list', ...json, body: '[]', says: 'must be a JSON object' },
  { name: 'a list around a request', ...json, body: `[${GOOD_BODY}]`, says: 'JSON object' },
  { name: 'a string', ...json, body: '"x"', says: 'must be a JSON object' },
  { name: 'a number', ...json, body: '12', says: 'must be a JSON object' },
  { name: 'words', ...json, body: 'hello', says: 'must be a JSON object' },
  { name: 'half an object', ...json, body: GOOD_BODY.slice(0, -1), says: 'comma or the end' },
  { name: 'trailing bytes', ...json, body: `${GOOD_BODY}x`, says: 'more after the end' },
  { name: 'two objects', ...json, body: GOOD_BODY + GOOD_BODY, says: 'more after the end' },
  { name: 'a byte order mark', ...json, body: `\ufeff${GOOD_BODY}`, says: 'byte order mark' },
  { name: 'UTF-16', ...json, body: Buffer.from(GOOD_BODY, 'utf16le'), says: 'must be UTF-8' },
  {
    name: 'UTF-16 with its mark',
    ...json,
    body: Buffer.from(`\ufeff${GOOD_BODY}`, 'utf16le'),
    says: 'must be UTF-8',
  },
  {
    name: 'invalid UTF-8',
    ...json,
    body: Buffer.from(GOOD_BODY.replace('hi', '\xff\xc0'), 'latin1'),
    says: 'not valid UTF-8, at byte 55',
  },
  {
    name: 'a raw NUL',
    ...json,
    body: GOOD_BODY.replace('hi', '\0'),
    says: 'raw control character',
  },
  { name: 'NaN', ...json, body: having('"max_tokens":NaN'), says: 'at max_tokens' },
  { name: 'a comment', ...json, body: `/**/${GOOD_BODY}`, says: 'JSON object' },
];

const bombs: BadRequest[] = [
  { name: 'depth 65', ...json, body: having(`"a":${nested(64)}`), says: 'deeper than 64 levels' },
  { name: 'depth 100,000', ...json, body: messages(nested(100_000)), says: 'deeper than 64' },
  {
    name: 'tools nested 10,000 deep',
    ...json,
    body: having(`"tools":${'[{"a":'.repeat(10_000)}1${'}]'.repeat(10_000)}`),
    says: 'deeper than 64',
  },
  { name: 'a million keys', ...json, body: manyKeys(1_000_000), says: 'more than 100000 members' },
  {
    name: 'two million items',
    ...json,
    body: having(`"a":[${'1,'.repeat(2_000_000)}1]`),
    says: 'more than 1000000 array items',
  },
  {
    name: 'a number of 100,000 digits',
    ...json,
    body: having(`"seed":${'1'.repeat(100_000)}`),
    says: 'longer than 1000 digits, at seed',
  },
  {
    name: '20,000 messages',
    ...invalid,
    body: messages(`[${'{"role":"user"},'.repeat(20_000)}{"role":"user"}]`),
    param: 'messages',
    says: 'more than 10000 items',
  },
  {
    name: '100,000 messages',
    ...json,
    body: messages(`[${'{"role":"user","content":"x"},'.repeat(100_000)}{}]`),
    says: 'more than 100000 members',
  },
];

const fields: BadRequest[] = [
  {
    name: 'model twice',
    ...json,
    body: having('"model":"small"'),
    says: 'appears twice, at model',
  },
  { name: 'model twice by case', ...json, body: having('"MODEL":"x"'), says: 'appears twice' },
  { name: 'model twice by escape', ...json, body: having('"mode\\u006c":"x"'), says: 'twice' },
  { name: 'stream twice', ...json, body: having('"stream":false,"stream":true'), says: 'twice' },
  { name: '__proto__', ...json, body: having('"__proto__":{"a":1}'), says: 'not allowed' },
  { name: '__proto__ deep', ...json, body: having('"a":[{"__proto__":1}]'), says: 'not allowed' },
  {
    name: 'constructor.prototype',
    ...json,
    body: having('"constructor":{"prototype":{}}'),
    says: 'not allowed, at constructor.prototype',
  },
  ...['-1', '0', '1e400', '9007199254740993', '"10"', '1.5', 'true', '{}'].map((value) => ({
    name: `max_tokens ${value}`,
    ...invalid,
    body: having(`"max_tokens":${value}`),
    param: 'max_tokens',
  })),
  {
    name: 'max_completion_tokens 0',
    ...invalid,
    body: having('"max_completion_tokens":0'),
    param: 'max_completion_tokens',
  },
  ...['0', '-1', '1000000', '1.5', '"2"', '1e400'].map((value) => ({
    name: `n ${value}`,
    ...invalid,
    body: having(`"n":${value}`),
    param: 'n',
  })),
  ...['"true"', '1', '{}', '[]'].map((value) => ({
    name: `stream ${value}`,
    ...invalid,
    body: having(`"stream":${value}`),
    param: 'stream',
  })),
  {
    name: 'stream_options without stream',
    ...invalid,
    body: having('"stream_options":{"include_usage":true}'),
    param: 'stream_options',
    says: 'only allowed when `stream` is true',
  },
  {
    name: 'stream_options that are no object',
    ...invalid,
    body: having('"stream":true,"stream_options":1'),
    param: 'stream_options',
  },
  ...['api_base', 'base_url', 'user_config', 'callback_url', 'api_key'].map((name) => ({
    name,
    ...unsupported,
    body: having(`"${name}":"http://127.0.0.1:1"`),
    param: name,
  })),
  {
    name: 'api_base far down and in another case',
    ...unsupported,
    body: having('"extra":{"b":[{"Api_Base":"http://127.0.0.1:1"}]}'),
    param: 'extra.b[0].Api_Base',
  },
  {
    name: 'api_base with an escape in its name',
    ...unsupported,
    body: having('"api_\\u0062ase":"http://127.0.0.1:1"'),
    param: 'api_\\u0062ase',
  },
];

const models: BadRequest[] = [
  { name: 'no model', ...invalid, body: `{${MESSAGES}}`, param: 'model' },
  { name: 'an empty model', ...invalid, body: naming(''), param: 'model' },
  { name: 'a model that is a number', ...invalid, body: `{"model":1,${MESSAGES}}`, param: 'model' },
  ...['nobody', 'hidden', 'SMALL', 'small ', '../../etc/passwd', 'small%00', 'small\0', '*'].map(
    (model) => ({ name: `model ${JSON.stringify(model)}`, ...unknownModel, body: naming(model) }),
  ),
  { name: 'a model name of 10 KB', ...unknownModel, body: naming('x'.repeat(10_000)) },
  { name: 'a model name that is half a character', ...unknownModel, body: naming('small\ud800') },
];

const roles: BadRequest[] = [
  ...['[]', '{}', 'null', '"hi"', '1'].map((value) => ({
    name: `messages ${value}`,
    ...invalid,
    body: messages(value),
    param: 'messages',
  })),
  { name: 'no messages', ...invalid, body: '{"model":"small"}', param: 'messages' },
  { name: 'a message that is a number', ...invalid, body: messages('[1]'), param: 'messages[0]' },
  {
    name: 'an unknown role',
    ...invalid,
    body: messages('[{"role":"user","content":"a"},{"role":"god","content":"b"}]'),
    param: 'messages[1].role',
  },
  {
    name: 'a message without role',
    ...invalid,
    body: messages('[{"content":"a"}]'),
    param: 'messages[0].role',
  },
  {
    name: 'an image as long as the body may be',
    status: 413,
    code: 'request_too_large',
    body: messages(
      `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,${'A'.repeat(MAX_BODY_BYTES)}"}}]}]`,
    ),
  },
];

const media = { status: 415, code: 'unsupported_media_type' } as const;
const TRANSCRIPTION = '/v1/audio/transcriptions';

const mediaTypes: BadRequest[] = [
  ...[
    null,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'json',
    '',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; charset="utf-7"',
  ].map((contentType) => ({
    name: `Content-Type ${contentType}`,
    ...media,
    contentType,
    body: GOOD_BODY,
  })),
  {
    name: 'two Content-Types',
    ...media,
    headers: ['Content-Type: text/plain'],
    body: GOOD_BODY,
  },
  ...['gzip', 'br', 'deflate', 'zstd', 'gzip, identity', ''].map((encoding) => ({
    name: `Content-Encoding ${encoding}`,
    ...media,
    headers: [`Content-Encoding: ${encoding}`],
    body: GOOD_BODY,
  })),
  {
    name: 'a bomb of gzip',
    ...media,
    headers: ['Content-Encoding: gzip'],
    body: Bun.gzipSync(Buffer.alloc(10_000_000)),
  },
  { name: 'JSON where a form is due', ...media, target: TRANSCRIPTION, body: GOOD_BODY },
  { name: 'a form without boundary', ...invalid, ...form('', 'multipart/form-data') },
  { name: 'a form that is none', ...invalid, ...form(GOOD_BODY) },
  { name: 'a form without model', ...invalid, ...form(part('x', 'y')), param: 'model' },
  {
    name: 'a form with two models',
    ...invalid,
    ...form(part('model', 'small') + part('Model', 'small')),
    param: 'model',
  },
  {
    name: 'a form with api_base',
    ...unsupported,
    ...form(part('model', 'small') + part('api_base', 'http://127.0.0.1:1')),
    param: 'api_base',
  },
  { name: 'a form with a hidden model', ...unknownModel, ...form(part('model', 'hidden')) },
];

/** Errors of Anthropic's endpoints have Anthropic's shape; the rules are the same. */
const anthropic: BadRequest[] = [
  { name: 'no JSON', ...json, body: 'hello' },
  { name: 'no max_tokens', ...invalid, body: GOOD_BODY, says: 'max_tokens' },
  {
    name: 'an unknown model',
    ...unknownModel,
    body: having('"max_tokens":1').replace('small', 'x'),
  },
  { name: 'api_base', ...unsupported, body: having('"max_tokens":1,"api_base":"x"') },
  { name: 'no media type', ...media, contentType: null, body: GOOD_BODY },
  { name: 'no key', status: 401, code: 'invalid_api_key', key: null, row: null, body: GOOD_BODY },
].map((bad) => ({ ...bad, target: '/v1/messages' }));

describe.each([
  ['bodies that are not one JSON object', notOneObject],
  ['bodies that would cost too much', bombs],
  ['fields', fields],
  ['models', models],
  ['messages', roles],
  ['media types', mediaTypes],
  ['on /v1/messages', anthropic],
])('%s', (_name, table) => {
  test.each(table)('$name', async (bad) => {
    await lab.refuse(bad);
  });
});

test('a hidden model and one that does not exist are told apart by nothing', async () => {
  const replies = await Promise.all(
    ['hidden', 'absent'].map(async (model) => {
      const reply = await lab.ask(lab.write({ body: naming(model) }));
      return reply === 'closed' ? reply : reply.body.replace(model, '…');
    }),
  );
  expect(replies[0]).toContain('does not exist or you do not have access');
  expect(replies[1]).toBe(replies[0]);
});

describe('what looks bad and is the business of the backend', () => {
  const accepted: readonly (readonly [name: string, body: string])[] = [
    ['temperature null, which means the default', having('"temperature":null')],
    ['a temperature that is no float', having('"temperature":1e400')],
    ['a seed beyond what a double can hold', having('"seed":12345678901234567890')],
    ['api_base in metadata, which is the user’s own', having('"metadata":{"api_base":"x"}')],
    ['half a surrogate pair in a prompt', GOOD_BODY.replace('hi', '\\ud800')],
    [
      'an image to be fetched from a link-local address',
      messages(
        '[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/latest/meta-data/"}}]}]',
      ),
    ],
  ];

  test.each(accepted)('%s', async (_name, body) => {
    expect(await lab.ask(lab.write({ body }))).toMatchObject({ status: 200 });
    expect(lab.mock.requests().at(-1)?.body).toBe(body);
  });

  test('an image URL is never fetched by the gateway', async () => {
    const fetched: string[] = [];
    using elsewhere = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { open: (socket) => void fetched.push(socket.remoteAddress), data: () => {} },
    });
    const url = `http://127.0.0.1:${elsewhere.port}/image.png`;
    const parts = `[{"type":"image_url","image_url":{"url":"${url}"}}]`;
    const body = messages(`[{"role":"user","content":${parts}}]`);
    expect(await lab.ask(lab.write({ body }))).toMatchObject({ status: 200 });
    expect(fetched).toEqual([]);
  });
});

describe('bodies over max_body', () => {
  const tooLarge = { status: 413, code: 'request_too_large' } as const;

  test.each<BadRequest>([
    { name: '50 MB, declared', ...tooLarge, body: longString(50_000_000) },
    {
      name: 'declared and never sent',
      ...tooLarge,
      length: MAX_BODY_BYTES + 1,
      isUnfinished: true,
    },
    {
      name: 'declared twice and never sent',
      ...tooLarge,
      length: MAX_BODY_BYTES + 1,
      headers: [`Content-Length: ${MAX_BODY_BYTES + 1}`],
      isUnfinished: true,
    },
    { name: '50 MB in chunks', ...tooLarge, raw: inChunks(longString(50_000_000)) },
    { name: 'more than a length can say', status: 400, length: '99999999999999999999' },
  ])('$name', async (bad) => {
    await lab.refuse(bad);
  });

  test('a body of just max_body is read', async () => {
    const frame = messages('[{"role":"user","content":""}]').length;
    const text = 'a'.repeat(MAX_BODY_BYTES - frame);
    const reply = await lab.ask(
      lab.write({ body: messages(`[{"role":"user","content":"${text}"}]`) }),
    );
    expect(reply).toMatchObject({ status: 200 });
  });

  test('without a key nothing of a body is kept, however long it is', async () => {
    const before = await residentBytes(lab.process.pid);
    using caller = await lab.connect();
    await caller.write(lab.write({ key: null, length: null, headers: [CHUNKED] }));
    expect(await caller.reply()).toMatchObject({ status: 401 });
    for (let sent = 0; sent < 200; sent += 1) await caller.write(chunk('a'.repeat(1_000_000)));
    expect(await residentBytes(lab.process.pid)).toBeLessThan(before + 100_000_000);
  });
});

test('while the dearest bad bodies are refused, a good caller is served within a second', async () => {
  const dear = [
    manyKeys(1_000_000),
    messages(nested(100_000)),
    `${having(`"a":[${'11,'.repeat(999_998)}01]`)}`,
    longString(20_000_000).replace('"}', '\\q"}'),
    having(`"a":"${'\\u00e9'.repeat(2_000_000)}\\q"`),
    longString(50_000_000),
  ];
  const burst = Promise.all(
    dear.map(async (body) => {
      const reply = await lab.ask(lab.write({ body }));
      expect(reply).not.toMatchObject({ status: 200 });
    }),
  );
  let isOver = false;
  const ended = burst.finally(() => {
    isOver = true;
  });
  const waitsMs: number[] = [];
  while (!isOver) {
    const startedMs = performance.now();
    expect(await lab.ask(lab.write({ body: GOOD_BODY }))).toMatchObject({ status: 200 });
    waitsMs.push(performance.now() - startedMs);
  }
  await ended;
  expect(waitsMs.length).toBeGreaterThan(0);
  expect(Math.max(...waitsMs)).toBeLessThan(1_000);
});

test('after all of it every row is a refusal or a served request, and the books agree', async () => {
  const outcomes = lab.serve.query('SELECT DISTINCT outcome FROM request_log ORDER BY outcome');
  expect(outcomes).toEqual([{ outcome: 'refused' }, { outcome: 'served' }]);
  expect(lab.serve.query('SELECT * FROM open_requests')).toEqual([]);
  const check = await lab.serve.run('ledger', 'check');
  expect(check).toMatchObject({ code: 0 });
});

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

function manyKeys(count: number): string {
  return `{${Array.from({ length: count }, (_, index) => `"${index}":1`).join(',')}}`;
}

function longString(size: number): string {
  return messages(`[{"role":"user","content":"${'a'.repeat(size)}"}]`);
}

const CHUNKED = 'Transfer-Encoding: chunked';

function chunk(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`;
}

/** A chat request whose length is nowhere said; `%KEY%` stands for the key. */
function inChunks(body: string): string {
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: localhost',
    'Authorization: Bearer %KEY%',
    'Content-Type: application/json',
    CHUNKED,
  ];
  let chunks = '';
  for (let at = 0; at < body.length; at += 1_000_000)
    chunks += chunk(body.slice(at, at + 1_000_000));
  return `${head.join('\r\n')}\r\n\r\n${chunks}0\r\n\r\n`;
}

function form(parts: string, contentType = 'multipart/form-data; boundary=xyz') {
  return { target: TRANSCRIPTION, contentType, body: `${parts}--xyz--\r\n` };
}

function part(name: string, value: string): string {
  return `--xyz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}
