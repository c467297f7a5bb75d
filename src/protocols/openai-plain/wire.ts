import { parseModel } from '../call-fields.ts';
import { renderOpenAiErrorFrame } from '../error-frame.ts';
import { openChunkStream } from '../openai-chat/chunk-stream.ts';
import type { Wire } from '../wire.ts';

export const openAiPlain: Wire = {
  producesText: false,
  readCall: ({ value }) => ({
    model: parseModel(value['model']),
    stream: false,
    usageRequested: false,
    maxOutputTokens: null,
    choices: 1,
    inputTokens: 0,
    edits: [],
  }),
  readReply: () => ({ usage: null, outputTokensCounted: 0 }),
  openStream: () => openChunkStream(false, () => undefined),
  renderErrorFrame: renderOpenAiErrorFrame,
};
