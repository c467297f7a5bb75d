import {
  isObject,
  parseChoices,
  parseModel,
  parseTokenBound,
  refuseSecondNames,
} from '../call-fields.ts';
import type { OutputCounter } from '../count-tokens.ts';
import { renderOpenAiErrorFrame } from '../error-frame.ts';
import { estimateContent, estimatePrompt, MEDIA_TOKENS } from '../input-estimate.ts';
import type { JsonBody } from '../json-body.ts';
import { openChunkStream } from '../openai-chat/chunk-stream.ts';
import { parseStreamFields } from '../openai-chat/stream-fields.ts';
import { limitMembers } from '../output-limit.ts';
import { readChoicesReply } from '../reply-body.ts';
import type { CallShape, Wire } from '../wire.ts';

/** `POST /v1/completions`. */
export const openAiCompletions: Wire = {
  producesText: true,
  readCall,
  readReply: (body) =>
    readChoicesReply(body, (choice, counter) => counter.addUncounted(textOf(choice))),
  openStream: ({ usageRequested }) => openChunkStream(usageRequested, countChoice),
  renderErrorFrame: renderOpenAiErrorFrame,
  limitOutput: (body, tokens) => limitMembers(body, tokens, ['max_tokens'], 'max_tokens'),
};

function readCall({ value }: JsonBody): CallShape {
  const model = parseModel(value['model']);
  refuseSecondNames(value);
  const streamFields = parseStreamFields(value);
  const { prompt, prompt_embeds: embeds } = value;
  const perPrompt = Math.max(
    parseChoices(value['n'], 'n'),
    parseChoices(value['best_of'], 'best_of'),
  );
  return {
    model,
    ...streamFields,
    maxOutputTokens: parseTokenBound(value['max_tokens'], 'max_tokens'),
    choices: perPrompt * (countPrompts(prompt) + countEmbeds(embeds)),
    inputTokens:
      estimatePrompt(prompt) +
      countEmbeds(embeds) * MEDIA_TOKENS +
      estimateContent(value['suffix']),
  };
}

/** A list of texts or of token lists is that many prompts; a list of tokens is one. */
function countPrompts(prompt: unknown): number {
  if (!Array.isArray(prompt) || typeof prompt[0] === 'number') return 1;
  return Math.max(1, prompt.length);
}

/** vLLM also takes prompts as numbers in base64, beside those in words. */
function countEmbeds(embeds: unknown): number {
  if (Array.isArray(embeds)) return embeds.length;
  return embeds === undefined || embeds === null ? 0 : 1;
}

function countChoice(choice: unknown, counter: OutputCounter): void {
  counter.add(textOf(choice));
}

function textOf(choice: unknown): string {
  if (!isObject(choice)) return '';
  const text = typeof choice['text'] === 'string' ? choice['text'] : '';
  const reasoning = choice['reasoning_content'];
  return typeof reasoning === 'string' ? text + reasoning : text;
}
