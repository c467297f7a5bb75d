import { describe, expect, test } from 'vitest';
import type { Usage } from '../../../src/core/usage.ts';
import {
  fromAnthropicUsage,
  fromAnyUsage,
  fromChatUsage,
  fromResponsesUsage,
} from '../../../src/protocols/reported-usage.ts';

type Numbers = readonly [input: number, cached: number, output: number, reasoning: number];
const asNumbers = (usage: Usage | null): Numbers | null =>
  usage && [usage.inputTokens, usage.cachedInputTokens, usage.outputTokens, usage.reasoningTokens];

describe('OpenAI chat, completions, embeddings', () => {
  test.each<[string, unknown, Numbers | null]>([
    ['plain', { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 }, [9, 0, 2, 0]],
    ['embeddings', { prompt_tokens: 9, total_tokens: 9 }, [9, 0, 0, 0]],
    ['a total alone', { total_tokens: 9 }, [9, 0, 0, 0]],
    ['zeros', { prompt_tokens: 0, completion_tokens: 0 }, [0, 0, 0, 0]],
    [
      'details',
      {
        prompt_tokens: 9,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      [9, 4, 5, 3],
    ],
    ['details null', { prompt_tokens: 9, prompt_tokens_details: null }, [9, 0, 0, 0]],
    ['cached the DeepSeek way', { prompt_tokens: 9, prompt_cache_hit_tokens: 4 }, [9, 4, 0, 0]],
    [
      'cached over input',
      { prompt_tokens: 9, prompt_tokens_details: { cached_tokens: 10 } },
      [9, 9, 0, 0],
    ],
    [
      'reasoning over output',
      {
        prompt_tokens: 9,
        completion_tokens: 2,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      [9, 0, 2, 2],
    ],
    [
      'reasoning beside the completion, as the total says',
      {
        prompt_tokens: 9,
        completion_tokens: 2,
        total_tokens: 14,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      [9, 0, 5, 3],
    ],
    [
      'reasoning inside the completion, as the total says',
      {
        prompt_tokens: 9,
        completion_tokens: 5,
        total_tokens: 14,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      [9, 0, 5, 3],
    ],
    ['negative', { prompt_tokens: 9, completion_tokens: -5 }, null],
    [
      'negative zero detail',
      { prompt_tokens: 9, prompt_tokens_details: { cached_tokens: -1 } },
      null,
    ],
    ['a fraction', { prompt_tokens: 9.5 }, null],
    ['past 2^53', { prompt_tokens: 2 ** 53 }, null],
    ['a text', { prompt_tokens: '9' }, null],
    ['infinite', { prompt_tokens: Number.POSITIVE_INFINITY }, null],
    ['NaN', { prompt_tokens: Number.NaN }, null],
    ['output without input', { completion_tokens: 5 }, null],
    ['empty', {}, null],
    ['a list', [1], null],
    ['absent', undefined, null],
    ['seconds, not tokens', { type: 'duration', seconds: 12 }, null],
  ])('%s', (_name, raw, expected) => {
    expect(asNumbers(fromChatUsage(raw))).toEqual(expected);
    expect(asNumbers(fromAnyUsage(raw))).toEqual(expected);
  });
});

test('OpenAI Responses, images and audio', () => {
  const raw = {
    input_tokens: 20,
    input_tokens_details: { cached_tokens: 8 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 27,
  };
  expect(asNumbers(fromResponsesUsage(raw))).toEqual([20, 8, 7, 3]);
  expect(asNumbers(fromAnyUsage(raw))).toEqual([20, 8, 7, 3]);
  expect(fromResponsesUsage({ ...raw, output_tokens: -1 })).toBeNull();
});

describe('Anthropic', () => {
  test.each<[string, unknown, Numbers | null]>([
    ['plain', { input_tokens: 9, output_tokens: 2 }, [9, 0, 2, 0]],
    [
      'input leaves the cache out',
      {
        input_tokens: 5,
        cache_creation_input_tokens: 10,
        cache_read_input_tokens: 20,
        output_tokens: 2,
      },
      [35, 20, 2, 0],
    ],
    [
      'no cache',
      { input_tokens: 5, cache_creation_input_tokens: null, cache_read_input_tokens: null },
      [5, 0, 0, 0],
    ],
    [
      'thinking is a part of the output',
      { input_tokens: 5, output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } },
      [5, 0, 9, 4],
    ],
    ['output alone', { output_tokens: 2 }, null],
    ['negative cache', { input_tokens: 5, cache_read_input_tokens: -5 }, null],
    ['a sum past 2^53', { input_tokens: 2 ** 53 - 1, cache_read_input_tokens: 1 }, null],
  ])('%s', (_name, raw, expected) => {
    expect(asNumbers(fromAnthropicUsage(raw))).toEqual(expected);
  });
});
