import { describe, expect, test } from 'vitest';
import { renderBody } from '../../../src/bench/endpoint.ts';
import { parseFilePrompts } from '../../../src/bench/file-prompts.ts';
import { createFiller } from '../../../src/bench/filler.ts';
import { DatasetError, type Prompt, type PromptSource } from '../../../src/bench/prompt.ts';
import { createSyntheticPrompts } from '../../../src/bench/synthetic-prompts.ts';
import { parseTracePrompts } from '../../../src/bench/trace-prompts.ts';
import { WORDS } from '../../../src/bench/words.ts';

const SHAPE = {
  inputTokens: 40,
  outputTokens: 20,
  rangeRatio: 0,
  prefixCount: 0,
  prefixTokens: 0,
  seed: 1,
};

function textOf(source: PromptSource, index: number): string {
  const { input } = source.at(index);
  return input.kind === 'text' ? input.text : '';
}

function countWords(text: string): number {
  return text.split(' ').length;
}

test('a byte picks one of 256 different words', () => {
  expect(new Set(WORDS).size).toBe(256);
});

describe('filler', () => {
  const filler = createFiller(1);

  test.each([1, 2, 4, 5, 100, 70_000, 200_000])('%d words', (words) => {
    expect(countWords(filler.text(12_345, words))).toBe(words);
  });

  test('thousands of texts differ within their first four words', () => {
    const heads = Array.from({ length: 5_000 }, (_, number) => filler.text(number, 4));
    expect(new Set(heads).size).toBe(5_000);
  });
});

describe('synthetic', () => {
  test('lengths are what was asked, and every prompt another', () => {
    const source = createSyntheticPrompts(SHAPE);
    const texts = Array.from({ length: 500 }, (_, index) => textOf(source, index));
    expect(texts.map(countWords)).toEqual(texts.map(() => 40));
    expect(new Set(texts.map((text) => text.slice(0, 30))).size).toBe(500);
    expect(source.at(3)).toEqual(createSyntheticPrompts(SHAPE).at(3));
    expect(textOf(source, 3)).not.toBe(textOf(createSyntheticPrompts({ ...SHAPE, seed: 2 }), 3));
  });

  test('shared prefixes: as many as asked, and own words behind them', () => {
    const source = createSyntheticPrompts({ ...SHAPE, prefixCount: 3, prefixTokens: 10 });
    const texts = Array.from({ length: 200 }, (_, index) => textOf(source, index));
    const prefixes = texts.map((text) => text.split(' ').slice(0, 10).join(' '));
    expect(new Set(prefixes).size).toBe(3);
    expect(new Set(texts).size).toBe(200);
    expect(texts.map(countWords)).toEqual(texts.map(() => 50));
    expect(source.at(0).inputTokens).toBe(50);
  });

  test('lengths vary within the share and around the middle', () => {
    const source = createSyntheticPrompts({ ...SHAPE, rangeRatio: 0.5 });
    const lengths = Array.from({ length: 2_000 }, (_, index) => source.at(index).inputTokens ?? 0);
    expect(Math.min(...lengths)).toBe(20);
    expect(Math.max(...lengths)).toBe(60);
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    expect(Math.abs(mean - 40)).toBeLessThan(1);
  });
});

describe('file', () => {
  test('prompts and messages, with their own lengths, round and round', () => {
    const source = parseFilePrompts(
      'p.jsonl',
      '\ufeff{"prompt":"one"}\n\n{"messages":[{"role":"user","content":"two"}],"max_tokens":7}\r\n',
      5,
    );
    expect(source.size).toBe(2);
    expect(source.at(0)).toEqual({
      input: { kind: 'text', text: 'one' },
      inputTokens: null,
      maxTokens: 5,
    });
    expect(source.at(3).maxTokens).toBe(7);
    expect(source.at(4)).toEqual(source.at(0));
  });

  test.each([
    ['', 'there is no request in it'],
    ['\n \n', 'there is no request in it'],
    ['{"prompt":"a"}\n{', 'p.jsonl:2: this is not JSON'],
    ['[1]', 'p.jsonl:1: this is not a JSON object'],
    ['{"prompt":""}', 'p.jsonl:1: there is neither'],
    ['{"messages":[]}', 'p.jsonl:1: there is neither'],
    ['{"prompt":"a","max_tokens":0}', 'p.jsonl:1: max_tokens is not a whole number from 1'],
  ])('%j', (text, message) => {
    expect(() => parseFilePrompts('p.jsonl', text, null)).toThrow(message);
  });

  test('every fault has its line, and a thousand are not all told', () => {
    const text = Array.from({ length: 1_000 }, () => 'x').join('\n');
    const lines = thrown(() => parseFilePrompts('p.jsonl', text, null)).message.split('\n');
    expect(lines).toHaveLength(6);
    expect(lines[4]).toBe('p.jsonl:5: this is not JSON');
    expect(lines[5]).toBe('and 995 more');
  });
});

describe('trace', () => {
  const line = (timestamp: number, tokens: number, ids: number[], output = 3) =>
    JSON.stringify({
      timestamp,
      input_length: tokens,
      output_length: output,
      hash_ids: ids,
    });

  test('equal hash ids are equal text, up to the length that is asked', () => {
    const text = [line(100, 1_200, [7, 8, 9]), line(350, 600, [7, 11])].join('\n');
    const source = parseTracePrompts('t.jsonl', text, 1);
    const [first, second] = [textOf(source, 0), textOf(source, 1)].map((words) => words.split(' '));
    expect(source).toMatchObject({ size: 2, timesMs: [0, 250] });
    expect([first?.length, second?.length]).toEqual([1_200, 600]);
    expect(second?.slice(0, 512)).toEqual(first?.slice(0, 512));
    expect(second?.slice(512)).not.toEqual(first?.slice(512, 600));
    expect(source.at(1)).toMatchObject({ inputTokens: 600, maxTokens: 3 });
  });

  test('what is longer than its blocks is filled with words of its own', () => {
    const text = [line(0, 600, [1]), line(0, 600, [1])].join('\n');
    const source = parseTracePrompts('t.jsonl', text, 1);
    expect(countWords(textOf(source, 0))).toBe(600);
    expect(textOf(source, 0)).not.toBe(textOf(source, 1));
  });

  test.each([
    [line(0, 0, []), 't.jsonl:1: input_length is not a whole number from 1'],
    [line(-1, 5, []), 't.jsonl:1: timestamp is not'],
    [line(0, 5, [1.5]), 't.jsonl:1: hash_ids is not'],
    [`${line(0, 5, [1])}\n{"timestamp":1}`, 't.jsonl:2: input_length is not'],
    [line(0, 99_999_999, []), 'beyond 10,000,000'],
    [line(0, 5, [], 0), 't.jsonl:1: output_length is not'],
    [[line(9, 5, []), line(8, 5, [])].join('\n'), 'request 2 is before the one above it'],
  ])('%s', (text, message) => {
    expect(thrown(() => parseTracePrompts('t.jsonl', text, 1)).message).toContain(message);
  });
});

describe('body', () => {
  const prompt: Prompt = { input: { kind: 'text', text: 'hi' }, inputTokens: 1, maxTokens: 4 };
  const options = {
    endpoint: 'chat',
    model: 'm',
    stream: true,
    ignoreEos: false,
    extraBody: {},
  } as const;
  const read = (part: object, asked: Prompt = prompt): unknown =>
    JSON.parse(Buffer.from(renderBody({ ...options, ...part }, asked)).toString());
  const streamed = { stream: true, stream_options: { include_usage: true } };

  test.each([
    [{}, { messages: [{ role: 'user', content: 'hi' }], max_tokens: 4, ...streamed }],
    [
      { endpoint: 'completions', stream: false, ignoreEos: true },
      { prompt: 'hi', max_tokens: 4, ignore_eos: true },
    ],
    [{ endpoint: 'embeddings' }, { input: 'hi' }],
    [
      { stream: false, extraBody: { max_tokens: 9, top_p: 0.5 } },
      { messages: [{ role: 'user', content: 'hi' }], max_tokens: 9, top_p: 0.5 },
    ],
  ])('%j', (part, expected) => {
    expect(read(part)).toEqual({ model: 'm', ...expected });
  });

  test('messages become text where there are no roles', () => {
    const messages = [{ role: 'system', content: 'a' }, { content: [{ type: 'text' }] }, 5];
    const asked: Prompt = {
      input: { kind: 'messages', messages },
      inputTokens: null,
      maxTokens: null,
    };
    expect(read({ endpoint: 'completions', stream: false }, asked)).toEqual({
      model: 'm',
      prompt: 'a\n[{"type":"text"}]\n',
    });
  });
});

function thrown(act: () => unknown): DatasetError {
  try {
    act();
  } catch (cause) {
    if (cause instanceof DatasetError) return cause;
    throw cause;
  }
  throw new Error('nothing was thrown');
}
