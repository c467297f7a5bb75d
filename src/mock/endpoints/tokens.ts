import { type Answer, type Call, createPlainAnswer } from '../answer.ts';
import { getList } from '../fields.ts';
import { readPrompt, splitWords } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';
import { WORDS } from '../words.ts';
import { readMessages } from './messages.ts';

/** Ids of words that are not among the mock's own begin here. */
const OTHER_WORDS = 1000;

/** `POST /v1/messages/count_tokens`. */
export function answerCountTokens(call: Call): Answer {
  const { tokens } = readMessages(call);
  return createPlainAnswer({ input_tokens: tokens }, { promptTokens: tokens, isFree: true });
}

/** `POST /tokenize` of a `prompt` or of `messages`: one id for each word. */
export function answerTokenize(call: Call): Answer {
  const { prompt, messages } = call.body;
  const text = typeof prompt === 'string' ? prompt : textOf(call, messages);
  const tokens = splitWords(text).map((word) => toId(word.trim()));
  return createPlainAnswer({
    count: tokens.length,
    max_model_len: call.contextTokens ?? 131_072,
    tokens,
    token_strs: null,
  });
}

/** `POST /detokenize`: the mock's own words come back, others as `w` and their id. */
export function answerDetokenize(call: Call): Answer {
  const tokens = getList(call.body, 'tokens');
  return createPlainAnswer({ prompt: tokens.map((id) => WORDS[Number(id)] ?? `w${id}`).join(' ') });
}

function textOf(call: Call, messages: unknown): string {
  if (!Array.isArray(messages)) throw createBadRequest('prompt or messages is needed.', 'prompt');
  const texts: string[] = [];
  readPrompt([messages], call.seed, (text) => texts.push(text));
  return texts.join('\n');
}

function toId(word: string): number {
  const known = WORDS.indexOf(word);
  return known >= 0 ? known : OTHER_WORDS + (Bun.hash.xxHash32(word) % 100_000);
}
