import type { Key } from '../core/key.ts';
import type { Model } from '../routing/model-table.ts';
import type { Generation } from './gate.ts';
import type { Call, OutputLimit } from './read.ts';

/** Assumed per choice when neither request, key, model nor context bounds the output. */
const UNBOUNDED_OUTPUT_TOKENS = 16_384;

/** The most output tokens one choice may have, and who has said so. */
export interface OutputBound {
  readonly tokens: number;
  /** `assumed`: nobody; a backend may go beyond it unless it is told. */
  readonly by: 'request' | 'key' | 'model' | 'context' | 'assumed';
}

/**
 * The tightest bound that anybody has stated. `contextTokens` is the longest context of all that may
 * answer, where that is not the model alone.
 */
export function outputBound(
  model: Model,
  call: Call,
  caller: Key,
  contextTokens: number | null = model.longestContextTokens,
): OutputBound {
  const { maxOutputTokens: asked } = call.shape;
  let bound: OutputBound | undefined =
    asked === null ? undefined : { tokens: asked, by: 'request' };
  const tighten = (tokens: number | null, by: OutputBound['by']) => {
    if (tokens !== null && (bound === undefined || tokens < bound.tokens)) bound = { tokens, by };
  };
  tighten(caller.limits.maxOutputTokens, 'key');
  tighten(model.maxOutputTokens, 'model');
  // Not less the input: that is an estimate, and blanks or pictures are estimated far too long.
  tighten(contextTokens, 'context');
  return bound ?? { tokens: UNBOUNDED_OUTPUT_TOKENS, by: 'assumed' };
}

/**
 * What the backend must be told, null when it need not be told anything. A ceiling is only a
 * ceiling if the backend knows of it, and a budget can only promise what the backend cannot pass.
 * Its context needs no telling; a bound of the request is in the request.
 */
export function outputLimitToSend(
  { tokens, by }: OutputBound,
  asked: number | null,
  isBudgeted: boolean,
): number | null {
  if (by === 'key') return tokens;
  if (by === 'model' && (asked !== null || isBudgeted)) return tokens;
  if (by === 'assumed' && isBudgeted) return tokens;
  return null;
}

/** The limit in the words of one backend. */
export function toOutputLimit(
  { backends }: Generation,
  tokens: number,
  backend: string,
): OutputLimit {
  // OpenAI's own models refuse the older name, most engines know only that one.
  const isOpenAi = backends.get(backend)?.isOpenAi ?? false;
  return { tokens, chatMember: isOpenAi ? 'max_completion_tokens' : 'max_tokens' };
}
