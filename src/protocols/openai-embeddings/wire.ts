import { parseModel } from '../call-fields.ts';
import { renderOpenAiErrorFrame } from '../error-frame.ts';
import { estimateMessages, estimatePrompt } from '../input-estimate.ts';
import type { JsonBody } from '../json-body.ts';
import { openPlainStream } from '../openai-plain/stream.ts';
import { readUsageReply } from '../reply-body.ts';
import type { CallShape, Wire } from '../wire.ts';

/** `POST /v1/embeddings`. Never a stream, whatever the request says. */
export const openAiEmbeddings: Wire = {
  producesText: false,
  readCall,
  readReply: (body) => readUsageReply(body),
  openStream: () => openPlainStream({ producesText: false }),
  renderErrorFrame: renderOpenAiErrorFrame,
};

function readCall({ value }: JsonBody): CallShape {
  // vLLM also embeds a conversation.
  const { messages } = value;
  const ofMessages = Array.isArray(messages) ? estimateMessages(messages) : 0;
  return {
    model: parseModel(value['model']),
    stream: false,
    usageRequested: false,
    maxOutputTokens: null,
    choices: 1,
    inputTokens: estimatePrompt(value['input']) + ofMessages,
    edits: [],
  };
}
