import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { redactBody } from '../../../src/store/content/redact-body.ts';
import { toStreamText } from '../../../src/store/content/stream-text.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';
import { toBytes, toText } from '../../support/temp-content.ts';

const redact = (body: string | Uint8Array, isTruncated = false) =>
  toText(redactBody(toBytes(body), isTruncated));

describe('whole bodies', () => {
  test.each<readonly [name: string, body: string | Uint8Array, redacted: string]>([
    ['nothing', '', ''],
    ['JSON', ' {"input":"ada@example.com"}', ' {"input":"[EMAIL]"}'],
    ['a transcript', 'Call +49 30 1234567.', 'Call [PHONE].'],
    [
      'subtitles',
      '1\n00:00:01,000 --> 00:00:02,000\nada@example.com\n',
      '1\n00:00:01,000 --> 00:00:02,000\n[EMAIL]\n',
    ],
    [
      'sound',
      new Uint8Array([0x49, 0x44, 0x33, 0xff, 0xfb]),
      '[DATA application/octet-stream 5 bytes]',
    ],
  ])('%s', (_, body, redacted) => {
    expect(redact(body)).toBe(redacted);
  });

  test('a form keeps its fields, redacted, and of its files what they were', () => {
    const file = Buffer.from([0xff, 0xd8, 0x0d, 0x0a, 0x2d, 0x2d, 0x41, 0x00]);
    const head = [
      '--AbC123',
      'Content-Disposition: form-data; name="prompt"',
      '',
      'from ada@example.com',
      '--AbC123',
      'Content-Disposition: form-data; name="file"; filename="ada@example.com.jpg"',
      'Content-Type: image/jpeg',
      '',
      '',
    ].join('\r\n');
    const body = Buffer.concat([Buffer.from(head), file, Buffer.from('\r\n--AbC123--\r\n')]);
    expect(redact(body)).toBe(
      [
        '--AbC123',
        'Content-Disposition: form-data; name="prompt"',
        '',
        'from [EMAIL]',
        '--AbC123',
        'Content-Disposition: form-data; name="file"; filename="[EMAIL]"',
        'Content-Type: image/jpeg',
        '',
        '[DATA image/jpeg 8 bytes]',
        '--AbC123--',
        '',
      ].join('\r\n'),
    );
    for (let length = 0; length < body.length; length += 1) {
      const cut = redact(body.subarray(0, length), true);
      expect(cut).not.toContain('ada@example.com');
      expect(cut).not.toContain('\ufffd');
    }
  });
});

describe('bodies that were cut off by the cap', () => {
  const personal = ['4111 1111 1111 1111', 'ada@example.com', 'DE89 3704 0044 0532 0130 00'];
  const text = `${'x '.repeat(400)}${personal.join(' and ')} ${'é'.repeat(10)}`;
  const bodies = {
    JSON: JSON.stringify({ input: text, more: 1 }),
    text,
    stream: `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`,
  };

  test.each(Object.entries(bodies))('of %s hold no part of what stood at the cut', (_, body) => {
    const bytes = Buffer.from(body);
    for (let length = 0; length <= bytes.length; length += 1) {
      const redacted = redact(bytes.subarray(0, length), true);
      expect(redacted).not.toMatch(/\d{4} \d|ada@|DE89/);
    }
  });

  test('and still hold the rest', () => {
    expect(redact(bodies.text.slice(0, 700), true)).toBe('x '.repeat(222));
  });
});

describe('event streams', () => {
  const chat = (delta: unknown, index = 0) =>
    `data: ${JSON.stringify({ id: 'c1', choices: [{ index, delta }] })}\n\n`;

  test('of chat: every choice, tool call and reasoning is a text of its own', () => {
    const told = JSON.parse(
      redact(
        [
          chat({ role: 'assistant', content: '' }),
          chat({ reasoning_content: 'ask ada@' }),
          chat({ reasoning_content: 'example.com' }),
          chat({ content: 'My card is 4111 11' }),
          chat({ content: 'other' }, 1),
          chat({ content: '11 1111 1111.' }),
          chat({
            tool_calls: [{ index: 1, id: 't1', function: { name: 'send', arguments: '{"to":"a' } }],
          }),
          chat({ tool_calls: [{ index: 1, function: { arguments: 'da@example.com"}' } }] }),
          'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":5}}\n\n',
          'data: [DONE]\n\n',
        ].join(''),
      ),
    );
    expect(told).toEqual({
      frames: 9,
      unreadable_frames: 0,
      text: {
        'choices.0.delta.content': 'My card is [CARD].',
        'choices.0.delta.reasoning_content': 'ask [EMAIL]',
        'choices.1.delta.content': 'other',
        'choices.0.delta.tool_calls.1.function.arguments': '{"to":"[EMAIL]"}',
      },
      values: {
        id: 'c1',
        'choices.0.index': 0,
        'choices.1.index': 1,
        'choices.0.delta.role': 'assistant',
        'choices.0.delta.tool_calls.1.index': 1,
        'choices.0.delta.tool_calls.1.id': 't1',
        'choices.0.delta.tool_calls.1.function.name': 'send',
        'usage.prompt_tokens': 5,
      },
    });
  });

  test('of messages: blocks are told apart by the index beside the delta', () => {
    const told = JSON.parse(
      redact(
        [
          'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ada@exa"}}\n\n',
          'event: content_block_delta\ndata: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}\n\n',
          'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"mple.com"}}\n\n',
        ].join(''),
      ),
    );
    expect(told.text).toEqual({
      'content_block_delta.0.delta.text': '[EMAIL]',
      'content_block_delta.1.delta.partial_json': '{}',
    });
  });

  test('of responses: the delta is a text itself', () => {
    const told = JSON.parse(
      redact(
        [
          'data: {"type":"response.output_text.delta","output_index":0,"content_index":1,"delta":"ada@exa"}\n\n',
          'data: {"type":"response.output_text.delta","output_index":0,"content_index":1,"delta":"mple.com"}\n\n',
          'data: {"type":"response.output_text.done","output_index":0,"content_index":1,"text":"ada@example.com"}\n\n',
        ].join(''),
      ),
    );
    expect(told.text).toEqual({ 'response.output_text.delta.0.1.delta': '[EMAIL]' });
    expect(told.values['response.output_text.done.0.1.text']).toBe('[EMAIL]');
  });

  test('what cannot be read is counted and not kept', () => {
    const told = JSON.parse(
      redact(`data: ada@example.com\n\n${chat({ content: 'hi' })}data: {"cut`),
    );
    expect(told).toMatchObject({ frames: 1, unreadable_frames: 1 });
    expect(JSON.stringify(told)).not.toContain('ada@');
  });

  test('however a stream is cut into deltas, nothing personal shows', () => {
    const random = createSeededRandom(3);
    const text = 'I am ada@example.com, +49 30 1234567, sk-proj-abc123DEF456ghi789 at 192.168.0.1';
    for (let round = 0; round < 200; round += 1) {
      let stream = '';
      for (let at = 0; at < text.length; ) {
        const length = 1 + random.int(9);
        stream += chat({ content: text.slice(at, at + length) });
        at += length;
      }
      expect(JSON.parse(redact(stream)).text).toEqual({
        'choices.0.delta.content': 'I am [EMAIL], [PHONE], [SECRET] at [IP]',
      });
    }
  });

  // Recorded answers of every protocol: all that the deltas say is there, in one piece.
  const golden = join(import.meta.dirname, '../../golden/protocols');
  const recorded = readdirSync(golden, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('reply.sse'),
  );
  test.each(recorded)('%s', (path) => {
    const bytes = readFileSync(join(golden, path));
    const { texts, unreadable } = toStreamText(bytes);
    const pieces = bytes
      .toString()
      .matchAll(/"(?:content|text|delta|thinking|partial_json|arguments)":"((?:[^"\\]|\\.)+)"/g);
    const all = JSON.stringify([...texts.values()]);
    if (unreadable === 0 && !path.includes('error')) {
      for (const [, piece = ''] of pieces) {
        const isDone = bytes.toString().includes('.done"');
        if (!isDone) expect(all).toContain(JSON.stringify(JSON.parse(`"${piece}"`)).slice(1, -1));
      }
    }
  });
});
