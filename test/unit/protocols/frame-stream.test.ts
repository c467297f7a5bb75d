import { describe, expect, test } from 'vitest';
import { openAiChat } from '../../../src/protocols/openai-chat/wire.ts';
import { openAiImages, openAiTranscripts } from '../../../src/protocols/openai-plain/wire.ts';
import { openAiResponses } from '../../../src/protocols/openai-responses/wire.ts';
import { FrameSplitter } from '../../../src/protocols/sse.ts';
import type { Wire } from '../../../src/protocols/wire.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';
import { inPieces, playStream } from '../../support/stream-play.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const chunkOf = (content: string) => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`;
const openChat = () => openAiChat.openStream({ usageRequested: false });

/** What the splitter makes of a text that arrives in these pieces. */
function split(pieces: readonly Uint8Array[]): { frames: string[]; held: number } {
  const splitter = new FrameSplitter(1_000);
  const frames: string[] = [];
  for (const piece of pieces) {
    splitter.push(piece);
    let start = 0;
    for (const end of splitter.ends) {
      frames.push(Buffer.from(splitter.bytes.subarray(start, end)).toString());
      start = end;
    }
  }
  return { frames, held: splitter.pendingBytes };
}

describe('where frames end', () => {
  test.each<[string, string[], number]>([
    ['a: 1\n\nb: 2\n\n', ['a: 1\n\n', 'b: 2\n\n'], 0],
    ['a: 1\r\n\r\nb: 2\r\n\r\n', ['a: 1\r\n\r\n', 'b: 2\r\n\r\n'], 0],
    ['a: 1\r\rb: 2\r\r', ['a: 1\r\r', 'b: 2\r\r'], 0],
    ['a: 1\n\r\nb: 2\r\n\n', ['a: 1\n\r\n', 'b: 2\r\n\n'], 0],
    ['a: 1\nb: 2\n\n', ['a: 1\nb: 2\n\n'], 0],
    ['a: 1\r\nb: 2\n\r\n', ['a: 1\r\nb: 2\n\r\n'], 0],
    ['\n\r\n: x\n\n', ['\n', '\r\n', ': x\n\n'], 0],
    ['a: 1\n\nb: 2\n', ['a: 1\n\n'], 5],
    ['a: 1\r\n\r', [], 7],
    ['a: 1', [], 4],
    ['', [], 0],
  ])('%j', (text, frames, held) => {
    expect(split([bytes(text)])).toEqual({ frames, held });
    expect(split(inPieces(bytes(text), 1))).toEqual({ frames, held });
    for (let at = 0; at <= text.length; at++) {
      const pieces = [bytes(text.slice(0, at)), bytes(text.slice(at))];
      expect(split(pieces), `cut at ${at}`).toEqual({ frames, held });
    }
  });

  test('a CR that ends a chunk may be half a CRLF', () => {
    expect(split([bytes('a: 1\r\n\r'), bytes('\nb: 2\n\n')]).frames).toEqual([
      'a: 1\r\n\r\n',
      'b: 2\n\n',
    ]);
    expect(split([bytes('a: 1\r\n\r'), bytes('b: 2\n\n')]).frames).toEqual([
      'a: 1\r\n\r',
      'b: 2\n\n',
    ]);
  });

  test('random streams in random pieces lose and change nothing', () => {
    const random = createSeededRandom(3);
    for (let round = 0; round < 300; round++) {
      const end = random.pick(['\n', '\r\n']);
      const frames = Array.from(
        { length: 1 + random.int(5) },
        () => `data: ${'x'.repeat(random.int(700))}é${end}${end}`,
      );
      const all = bytes(frames.join(''));
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < all.length; ) {
        const size = 1 + random.int(random.pick([3, 50, 2_000]));
        pieces.push(all.slice(at, at + size));
        at += size;
      }
      expect(split(pieces)).toEqual({ frames, held: 0 });
    }
  });
});

describe('what goes on to the caller', () => {
  test('a chunk of whole frames is the same array', () => {
    const reader = openChat();
    for (const text of [chunkOf('a'), chunkOf('b') + chunkOf('c'), ': ping\n\n']) {
      const chunk = bytes(text);
      expect(reader.push(chunk).forward).toBe(chunk);
    }
  });

  test('half a frame stays here until it is whole', () => {
    const reader = openChat();
    const text = chunkOf('a');
    expect(reader.push(bytes(text.slice(0, 20)))).toEqual({
      forward: null,
      end: null,
      fault: null,
    });
    expect(reader.pendingBytes).toBe(20);
    const { forward } = reader.push(bytes(text.slice(20)));
    expect(Buffer.from(forward ?? []).toString()).toBe(text);
    expect(reader.pendingBytes).toBe(0);
  });

  test('what was handed out is never written to again', () => {
    const reader = openChat();
    const text = chunkOf('a') + chunkOf('b');
    const first = reader.push(bytes(text.slice(0, chunkOf('a').length + 10))).forward;
    reader.push(bytes(text.slice(chunkOf('a').length + 10)));
    reader.push(bytes(chunkOf('zzzzzzzzzzzzzzzz').repeat(50)));
    expect(Buffer.from(first ?? []).toString()).toBe(chunkOf('a'));
  });

  test('the terminal comes apart from what is before it', () => {
    const step = openChat().push(bytes(`${chunkOf('a')}data: [DONE]\n\n${chunkOf('late')}`));
    expect(Buffer.from(step.forward ?? []).toString()).toBe(chunkOf('a'));
    expect(Buffer.from(step.end ?? []).toString()).toBe('data: [DONE]\n\n');
  });

  test('a hidden chunk between two others leaves no gap', () => {
    const usage = 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n';
    const step = openChat().push(bytes(chunkOf('a') + usage + chunkOf('b')));
    expect(Buffer.from(step.forward ?? []).toString()).toBe(chunkOf('a') + chunkOf('b'));
  });

  test.each([
    ['end', 'data: [DONE]\n\n'],
    ['fault', 'data: {"error":"x"}\n\n'],
  ] as const)('nothing comes after the %s', (kind, text) => {
    const reader = openChat();
    expect(reader.push(bytes(text))[kind]).not.toBeNull();
    expect(reader.push(bytes(chunkOf('a')))).toEqual({ forward: null, end: null, fault: null });
  });
});

describe('frames that are no frames', () => {
  const endless = (wire: Wire, megabytes: number) => {
    const reader = wire.openStream({ usageRequested: false });
    const chunk = bytes('x'.repeat(64 * 1024));
    reader.push(bytes('data: '));
    for (let pushed = 0; pushed < megabytes * 16; pushed++) {
      const { fault } = reader.push(chunk);
      if (fault !== null) return { code: fault.code, pushed };
    }
    return { code: null, pushed: megabytes * 16 };
  };

  test('a line of ten megabytes is cut off at one', () => {
    expect(endless(openAiChat, 10)).toEqual({ code: 'backend_protocol_error', pushed: 15 });
  });

  test('an image or a finished response may be longer', () => {
    expect(endless(openAiResponses, 15).code).toBeNull();
    expect(endless(openAiImages, 31).code).toBeNull();
    expect(endless(openAiImages, 33).code).toBe('backend_protocol_error');
  });

  test('a megabyte in single bytes takes no time to speak of', () => {
    const reader = openChat();
    const text = bytes(chunkOf('x'.repeat(900_000)));
    const started = performance.now();
    for (let at = 0; at < text.length; at++) reader.push(text.subarray(at, at + 1));
    expect(reader.sawContent).toBe(true);
    // Linear growth takes tens of milliseconds here; quadratic growth would take minutes.
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('bytes that are not UTF-8', () => {
    const reader = openChat();
    const step = reader.push(Buffer.from(`${chunkOf('a')}${chunkOf('\xff')}`, 'latin1'));
    expect(Buffer.from(step.forward ?? []).toString()).toBe(chunkOf('a'));
    expect(step.fault).toMatchObject({ code: 'backend_protocol_error' });
  });

  test.each(['5', '"x"', '[]', 'null', '{"a":1', 'undefined'])('data: %s', (data) => {
    expect(openChat().push(bytes(`data: ${data}\n\n`)).fault).toMatchObject({
      code: 'backend_protocol_error',
    });
  });

  test("the backend's message is bounded and neutral", () => {
    const message = `\u001b[2J${'long '.repeat(10_000)}\u0000`;
    const { fault } = openChat().push(bytes(`data: ${JSON.stringify({ error: { message } })}\n\n`));
    expect(fault?.message).toMatch(/^\[2Jlong long .*…$/);
    expect(fault?.message.length).toBeLessThanOrEqual(500);
  });

  test('endless comments are forwarded and never held', () => {
    const reader = openChat();
    for (let count = 0; count < 1_000; count++) reader.push(bytes(': keep-alive\n\n'));
    expect([reader.pendingBytes, reader.sawContent, reader.outputTokensCounted]).toEqual([
      0,
      false,
      0,
    ]);
  });
});

test('transcripts stream as typed events or as chat chunks', () => {
  const typed =
    'data: {"type":"transcript.text.delta","delta":"Good "}\n\n' +
    'data: {"type":"transcript.text.delta","delta":"morning"}\n\n' +
    'data: {"type":"transcript.text.done","text":"Good morning","usage":' +
    '{"type":"tokens","input_tokens":14,"output_tokens":2,"total_tokens":16}}\n\n';
  expect(playStream(openAiTranscripts, true, [bytes(typed)])).toMatchObject({
    ending: 'end',
    usage: { inputTokens: 14, outputTokens: 2 },
    outputTokensCounted: 3,
  });
  expect(
    playStream(openAiTranscripts, true, [bytes(`${chunkOf('Good ')}data: [DONE]\n\n`)]),
  ).toMatchObject({
    ending: 'end',
    usage: null,
    outputTokensCounted: 2,
  });
});
