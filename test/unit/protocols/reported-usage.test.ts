import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NO_USAGE, type Usage } from '../../../src/core/usage.ts';
import {
  fromAnthropicUsage,
  fromAnyUsage,
  fromChatUsage,
  fromResponsesUsage,
  laterUsage,
  type ReportedUsage,
} from '../../../src/protocols/reported-usage.ts';
import { findRoute } from '../../../src/protocols/route.ts';

const ROOT = resolve(import.meta.dirname, '../../golden/usage');

/** What one provider answered, and what must be read from it. Tokens that are not named are 0. */
interface UsageCase {
  readonly name: string;
  readonly path: string;
  readonly reply: unknown;
  readonly usage: Readonly<Record<string, number>> | null;
  readonly sound: boolean;
}

function toUsage(tokens: Readonly<Record<string, number>>): Usage {
  const camel = Object.entries(tokens).map(([name, count]) => [
    name.replace(/_./g, (under) => under.slice(1).toUpperCase()),
    count,
  ]);
  return { ...NO_USAGE, ...Object.fromEntries(camel) };
}

describe.each(readdirSync(ROOT))('%s', (file) => {
  const cases: UsageCase[] = JSON.parse(readFileSync(`${ROOT}/${file}`, 'utf8'));

  test.each(cases)('$name', ({ path, reply, usage, sound }) => {
    const found = findRoute('POST', path);
    if (typeof found === 'string') throw new Error(`no route for ${path}`);
    const facts = found.route.wire.readReply(Buffer.from(JSON.stringify(reply)));
    expect(facts.usage).toEqual(usage && toUsage(usage));
    expect(facts.isUsageSound).toBe(sound);
    if (facts.usage === null) return;
    const { inputTokens, outputTokens, ...parts } = facts.usage;
    expect(
      parts.cachedInputTokens +
        parts.cacheWriteTokens +
        parts.audioInputTokens +
        parts.imageInputTokens,
    ).toBeLessThanOrEqual(inputTokens);
    expect(
      parts.reasoningTokens + parts.audioOutputTokens + parts.imageOutputTokens,
    ).toBeLessThanOrEqual(outputTokens);
  });
});

/** A wrong figure stands as NaN until it is replaced; everything else is kept. */
const sound = (tokens: Partial<Usage>) => ({ usage: { ...NO_USAGE, ...tokens }, isSound: true });
const unsound = (tokens: Partial<Usage>) => ({ usage: { ...NO_USAGE, ...tokens }, isSound: false });
const nan = Number.NaN;

describe('chat', () => {
  test.each<[string, unknown, ReportedUsage | null]>([
    ['zeros', { prompt_tokens: 0, completion_tokens: 0 }, sound({})],
    ['a total alone', { total_tokens: 9 }, sound({ inputTokens: 9 })],
    [
      'cached over input',
      { prompt_tokens: 9, prompt_tokens_details: { cached_tokens: 10 } },
      unsound({ inputTokens: 9, cachedInputTokens: 10 }),
    ],
    [
      'more audio than input',
      { prompt_tokens: 9, prompt_tokens_details: { audio_tokens: 10 } },
      unsound({ inputTokens: 9, audioInputTokens: 9 }),
    ],
    [
      'reasoning over output',
      {
        prompt_tokens: 9,
        completion_tokens: 2,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      unsound({ inputTokens: 9, outputTokens: 2, reasoningTokens: 3 }),
    ],
    [
      'a total below its parts',
      { prompt_tokens: 9, completion_tokens: 2, total_tokens: 10 },
      unsound({ inputTokens: 9, outputTokens: 2 }),
    ],
    [
      'a total beyond its parts and the reasoning that is stated',
      {
        prompt_tokens: 9,
        completion_tokens: 5,
        total_tokens: 99,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      unsound({ inputTokens: 9, outputTokens: 5, reasoningTokens: 3 }),
    ],
    [
      'embeddings that claim more in all than they read',
      { prompt_tokens: 9, total_tokens: 99 },
      unsound({ inputTokens: 9 }),
    ],
    [
      'negative output',
      { prompt_tokens: 9, completion_tokens: -5 },
      unsound({ inputTokens: 9, outputTokens: nan }),
    ],
    [
      'a negative part',
      { prompt_tokens: 9, prompt_tokens_details: { cached_tokens: -1 } },
      unsound({ inputTokens: 9, cachedInputTokens: nan }),
    ],
    ['a fraction', { prompt_tokens: 9.5 }, unsound({ inputTokens: nan })],
    ['past 2^53', { prompt_tokens: 2 ** 53 }, unsound({ inputTokens: nan })],
    ['a text', { prompt_tokens: '9' }, unsound({ inputTokens: nan })],
    ['infinite', { prompt_tokens: Number.POSITIVE_INFINITY }, unsound({ inputTokens: nan })],
    ['output without input', { completion_tokens: 5 }, null],
    ['empty', {}, null],
    ['a list', [1], null],
    ['absent', undefined, null],
    ['null', null, null],
  ])('%s', (_name, raw, expected) => {
    expect(fromChatUsage(raw)).toEqual(expected);
    expect(fromAnyUsage(raw)).toEqual(expected);
  });
});

describe('the other conventions', () => {
  test('Responses: nonsense in one figure leaves the others', () => {
    const raw = { input_tokens: 20, output_tokens: -1, total_tokens: 19 };
    const expected = unsound({ inputTokens: 20, outputTokens: nan });
    expect(fromResponsesUsage(raw)).toEqual(expected);
    expect(fromAnyUsage(raw)).toEqual(expected);
  });

  test.each<[string, unknown, ReportedUsage | null]>([
    ['output alone', { output_tokens: 2 }, null],
    [
      'the cache alone',
      { cache_read_input_tokens: 7, output_tokens: 2 },
      sound({ inputTokens: 7, cachedInputTokens: 7, outputTokens: 2 }),
    ],
    [
      'a negative figure of the cache spoils the input',
      { input_tokens: 5, cache_read_input_tokens: -5, output_tokens: 2 },
      unsound({ inputTokens: nan, cachedInputTokens: nan, outputTokens: 2 }),
    ],
    [
      'a sum past 2^53',
      { input_tokens: 2 ** 53 - 1, cache_read_input_tokens: 1 },
      unsound({ inputTokens: 2 ** 53, cachedInputTokens: 1 }),
    ],
  ])('Anthropic: %s', (_name, raw, expected) => {
    expect(fromAnthropicUsage(raw)).toEqual(expected);
  });
});

describe('what a stream has reported up to now', () => {
  const early = sound({ inputTokens: 9, outputTokens: 1 });
  const late = sound({ inputTokens: 9, outputTokens: 5 });
  const nonsense = unsound({ inputTokens: 9, outputTokens: nan });

  test('the latest counts', () => {
    expect(laterUsage(null, early)).toBe(early);
    expect(laterUsage(early, late)).toBe(late);
    expect(laterUsage(early, null)).toBe(early);
    expect(laterUsage(null, null)).toBeNull();
  });

  test('nonsense replaces nothing, but is remembered until something better comes', () => {
    expect(laterUsage(early, nonsense)).toEqual({ usage: early.usage, isSound: false });
    expect(laterUsage({ usage: early.usage, isSound: false }, late)).toBe(late);
    expect(laterUsage(null, nonsense)).toBe(nonsense);
  });
});
