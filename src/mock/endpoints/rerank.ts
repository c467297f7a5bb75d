import { type Answer, type Call, createPlainAnswer } from '../answer.ts';
import { findCount, getList } from '../fields.ts';
import { readPrompt } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';
import { SeededRandom } from '../seeded-random.ts';
import { renderUsage } from '../usage-report.ts';

/** `POST /v1/rerank`, as Jina, Cohere and vLLM have it: best first. */
export function answerRerank(call: Call): Answer {
  const { query } = call.body;
  if (typeof query !== 'string') throw createBadRequest('query must be a string.', 'query');
  const documents = getList(call.body, 'documents');
  const pairs = documents.map((document, index) => ({
    index,
    document,
    ...scorePair(call, query, document),
  }));
  const results = pairs
    .toSorted((a, b) => b.score - a.score)
    .slice(0, findCount(call.body, 'top_n') ?? documents.length)
    .map(({ index, document, score }) => ({
      index,
      document: typeof document === 'string' ? { text: document } : document,
      relevance_score: score,
    }));
  const tokens = pairs.reduce((sum, pair) => sum + pair.tokens, 0);
  return createScored(call, tokens, {
    id: `rerank-mock${call.serial}`,
    model: call.model,
    results,
  });
}

/** `POST /v1/score`: every pair of `text_1` and `text_2`, one of which may be a single text. */
export function answerScore(call: Call): Answer {
  const left = toList(call.body['text_1']);
  const right = toList(call.body['text_2']);
  if (left.length === 0 || right.length === 0)
    throw createBadRequest('text_1 and text_2 are needed.');
  if (left.length !== 1 && left.length !== right.length) {
    throw createBadRequest('text_1 and text_2 differ in length.');
  }
  const pairs = right.map((text, i) => scorePair(call, left[i] ?? left[0], text));
  const tokens = pairs.reduce((sum, pair) => sum + pair.tokens, 0);
  return createScored(call, tokens, {
    id: `score-mock${call.serial}`,
    object: 'list',
    created: call.createdSeconds,
    model: call.model,
    data: pairs.map(({ score }, index) => ({ index, object: 'score', score })),
  });
}

function scorePair(call: Call, left: unknown, right: unknown): { score: number; tokens: number } {
  const { hash, tokens } = readPrompt([left, right], call.seed);
  return { score: Math.round(new SeededRandom(hash).next() * 1e6) / 1e6, tokens };
}

function createScored(call: Call, tokens: number, body: object): Answer {
  const usage = renderUsage({ prompt_tokens: tokens, total_tokens: tokens }, call.usageFault);
  const json = JSON.stringify(body);
  return createPlainAnswer(usage === undefined ? json : `${json.slice(0, -1)},"usage":${usage}}`, {
    promptTokens: tokens,
    usageIn: 'body',
  });
}

function toList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}
