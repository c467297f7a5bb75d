import {
  invalidField,
  isObject,
  parseFlag,
  parseModel,
  parseTokenBound,
  refuseSecondNames,
} from '../call-fields.ts';
import { OutputCounter } from '../count-tokens.ts';
import { renderResponsesErrorFrame } from '../error-frame.ts';
import { estimateContent, estimateMember, estimateMessages } from '../input-estimate.ts';
import type { JsonBody } from '../json-body.ts';
import { limitMembers } from '../output-limit.ts';
import { parseReplyBody, refuseErrorReply, toFacts } from '../reply-body.ts';
import { fromResponsesUsage } from '../reported-usage.ts';
import type { CallShape, ReplyFacts, Wire } from '../wire.ts';
import { openResponsesStream } from './stream.ts';

/** `POST /v1/responses`. */
export const openAiResponses: Wire = {
  producesText: true,
  readCall,
  readReply,
  openStream: openResponsesStream,
  renderErrorFrame: renderResponsesErrorFrame,
  limitOutput: (body, tokens) =>
    limitMembers(body, tokens, ['max_output_tokens'], 'max_output_tokens'),
};

function readCall(body: JsonBody): CallShape {
  const { value } = body;
  const model = parseModel(value['model']);
  refuseSecondNames(value);
  const stream = parseFlag(value['stream'], 'stream');
  if (parseFlag(value['background'], 'background')) {
    // It would be answered before anything is generated, and what follows could not be metered.
    throw invalidField('background', '`background` is not supported.');
  }
  const { input } = value;
  return {
    model,
    stream,
    usageRequested: true,
    maxOutputTokens: parseTokenBound(value['max_output_tokens'], 'max_output_tokens'),
    choices: 1,
    inputTokens:
      (Array.isArray(input) ? estimateMessages(input) : estimateContent(input)) +
      estimateContent(value['instructions']) +
      estimateMember(body, 'tools') +
      estimateMember(body, 'text'),
    edits: [],
  };
}

function readReply(body: Uint8Array): ReplyFacts {
  const reply = parseReplyBody(body);
  const { output } = reply;
  // A failed response is still a response, with its own `error` and usage.
  if (!Array.isArray(output)) {
    refuseErrorReply(reply);
    return toFacts(fromResponsesUsage(reply['usage']), 0);
  }
  const counter = new OutputCounter();
  for (const item of output) countItem(item, counter);
  return toFacts(fromResponsesUsage(reply['usage']), counter.tokens);
}

const GENERATED = ['text', 'refusal', 'arguments', 'input', 'name', 'code'];
const NESTED = ['content', 'summary'];

/** Messages, reasoning and tool calls: their own text, and that of the parts they hold. */
function countItem(item: unknown, counter: OutputCounter): void {
  if (!isObject(item)) return;
  for (const name of GENERATED) {
    const text = item[name];
    if (typeof text === 'string') counter.addUncounted(text);
  }
  for (const name of NESTED) {
    const parts = item[name];
    if (Array.isArray(parts)) for (const part of parts) countItem(part, counter);
  }
}
