import {
  isObject,
  parseChoices,
  parseMessages,
  parseModel,
  parseTokenBound,
  refuseSecondNames,
} from '../call-fields.ts';
import type { OutputCounter } from '../count-tokens.ts';
import { renderOpenAiErrorFrame } from '../error-frame.ts';
import { estimateMember, estimateMessages } from '../input-estimate.ts';
import type { JsonBody } from '../json-body.ts';
import { limitMembers } from '../output-limit.ts';
import { readChoicesReply } from '../reply-body.ts';
import type { CallShape, ChatLimit, Wire } from '../wire.ts';
import { openChunkStream } from './chunk-stream.ts';
import { generatedText } from './generated-text.ts';
import { parseStreamFields } from './stream-fields.ts';

const LIMITS: readonly ChatLimit[] = ['max_completion_tokens', 'max_tokens'];
const ROLES = new Set(['developer', 'system', 'user', 'assistant', 'tool', 'function']);

/** `POST /v1/chat/completions`. */
export const openAiChat: Wire = {
  producesText: true,
  readCall,
  readReply: (body) => readChoicesReply(body, countMessage),
  openStream: ({ usageRequested }) => openChunkStream(usageRequested, countDelta),
  renderErrorFrame: renderOpenAiErrorFrame,
  limitOutput: (body, tokens, member) => limitMembers(body, tokens, LIMITS, member),
};

function readCall(body: JsonBody): CallShape {
  const { value } = body;
  const model = parseModel(value['model']);
  refuseSecondNames(value);
  const streamFields = parseStreamFields(value);
  const messages = parseMessages(value['messages'], ROLES);
  // Engines differ on which of the two wins, so the dearer one is the bound.
  const bounds = LIMITS.map((name) => parseTokenBound(value[name], name));
  return {
    model,
    ...streamFields,
    maxOutputTokens: bounds.every((bound) => bound === null)
      ? null
      : Math.max(...bounds.map((bound) => bound ?? 0)),
    choices: Math.max(parseChoices(value['n'], 'n'), parseChoices(value['best_of'], 'best_of')),
    inputTokens:
      estimateMessages(messages) +
      estimateMember(body, 'tools') +
      estimateMember(body, 'functions') +
      estimateMember(body, 'response_format'),
  };
}

function countDelta(choice: unknown, counter: OutputCounter): void {
  if (isObject(choice)) counter.add(generatedText(choice['delta']));
}

function countMessage(choice: unknown, counter: OutputCounter): void {
  if (isObject(choice)) counter.addUncounted(generatedText(choice['message']));
}
