import {
  invalidField,
  isObject,
  parseFlag,
  parseMessages,
  parseModel,
  parseTokenBound,
  refuseSecondNames,
} from '../call-fields.ts';
import { OutputCounter } from '../count-tokens.ts';
import { renderAnthropicErrorFrame } from '../error-frame.ts';
import { estimateContent, estimateMember, estimateMessages } from '../input-estimate.ts';
import type { JsonBody } from '../json-body.ts';
import { limitMembers } from '../output-limit.ts';
import { nothingUsed, parseReplyBody, refuseErrorReply, toFacts } from '../reply-body.ts';
import { fromAnthropicUsage } from '../reported-usage.ts';
import type { CallShape, ReplyFacts, Wire } from '../wire.ts';
import { countBlock, openMessagesStream } from './stream.ts';

/** Claude Code sends `system` messages inside the list. */
const ROLES = new Set(['user', 'assistant', 'system']);

const common = {
  readReply,
  openStream: openMessagesStream,
  renderErrorFrame: renderAnthropicErrorFrame,
};

/** `POST /v1/messages`. */
export const anthropicMessages: Wire = {
  ...common,
  producesText: true,
  readCall,
  limitOutput: (body, tokens) => limitMembers(body, tokens, ['max_tokens'], 'max_tokens'),
};

/** `POST /v1/messages/count_tokens`. Generates nothing, so it uses nothing. */
export const anthropicCountTokens: Wire = {
  ...common,
  producesText: false,
  readCall({ value }) {
    const model = parseModel(value['model']);
    parseMessages(value['messages'], ROLES);
    return {
      model,
      stream: false,
      usageRequested: true,
      maxOutputTokens: null,
      choices: 1,
      inputTokens: 0,
      edits: [],
    };
  },
  readReply(body) {
    refuseErrorReply(parseReplyBody(body));
    return nothingUsed();
  },
};

function readCall(body: JsonBody): CallShape {
  const { value } = body;
  const model = parseModel(value['model']);
  refuseSecondNames(value);
  const stream = parseFlag(value['stream'], 'stream');
  const maxOutputTokens = parseTokenBound(value['max_tokens'], 'max_tokens');
  if (maxOutputTokens === null) throw invalidField('max_tokens', '`max_tokens` is required.');
  const messages = parseMessages(value['messages'], ROLES);
  return {
    model,
    stream,
    usageRequested: true,
    maxOutputTokens,
    choices: 1,
    inputTokens:
      estimateMessages(messages) +
      estimateContent(value['system']) +
      estimateMember(body, 'tools') +
      estimateMember(body, 'output_config'),
    edits: [],
  };
}

function readReply(body: Uint8Array): ReplyFacts {
  const reply = parseReplyBody(body);
  refuseErrorReply(reply);
  const counter = new OutputCounter();
  const { content } = reply;
  if (Array.isArray(content)) {
    for (const block of content) {
      countBlock(block, counter);
      // A whole block holds its tool call as an object; a stream sends it as text.
      if (isObject(block) && isObject(block['input'])) {
        counter.addUncounted(JSON.stringify(block['input']));
      }
    }
  }
  return toFacts(fromAnthropicUsage(reply['usage']), counter.tokens);
}
