import { invalidField, parseChoices, parseFlag, parseModel } from '../call-fields.ts';
import { OutputCounter } from '../count-tokens.ts';
import { renderOpenAiErrorFrame } from '../error-frame.ts';
import type { FormBody } from '../form-body.ts';
import {
  estimateContent,
  estimateMessages,
  estimatePrompt,
  estimateSound,
  MEDIA_TOKENS,
} from '../input-estimate.ts';
import type { JsonBody } from '../json-body.ts';
import { pictureTokensMax, speechTokensMax } from '../media-bound.ts';
import {
  nothingUsed,
  parseReplyBody,
  readUsageReply,
  refuseErrorReply,
  toFacts,
} from '../reply-body.ts';
import { fromAnyUsage } from '../reported-usage.ts';
import { USAGE_CONVENTIONS } from '../usage-conventions.ts';
import type { CallShape, ReplyFacts, Wire } from '../wire.ts';
import { openPlainStream } from './stream.ts';

/** Rerank, score and moderations: JSON in, JSON out, never a stream. */
export const openAiPlain: Wire = {
  producesText: false,
  readCall: (body) => readCall(body, false),
  readReply: (body) => readUsageReply(body),
  openStream: () => openPlainStream({ producesText: false }),
  renderErrorFrame: renderOpenAiErrorFrame,
};

/** Pictures: as a stream when asked, and as a form when pictures come with the request. */
export const openAiImages: Wire = {
  ...openAiPlain,
  readCall: (body) => readCall(body, readsAsStream(body)),
  readForm: (form) => readForm(form, MEDIA_TOKENS),
  readReply: (body) => readUsageReply(body, USAGE_CONVENTIONS.images),
  openStream: () => openPlainStream({ producesText: false, convention: USAGE_CONVENTIONS.images }),
  mediaTokensMax: pictureTokensMax,
};

/** Speech: sound as it comes, or a stream of events. */
export const openAiSpeech: Wire = {
  ...openAiPlain,
  readCall: (body) => readCall(body, readsAsStream(body)),
  readReply: (body) => readUsageReply(body, USAGE_CONVENTIONS.speech),
  openStream: () => openPlainStream({ producesText: false, convention: USAGE_CONVENTIONS.speech }),
  mediaTokensMax: speechTokensMax,
};

/** Transcriptions and translations: sound in a form, text out. */
export const openAiTranscripts: Wire = {
  ...openAiPlain,
  producesText: true,
  readForm: (form) => readForm(form, estimateSound(form.fileBytes)),
  readReply: readTranscript,
  openStream: () => openPlainStream({ producesText: true }),
};

/** `/tokenize` and `/detokenize`. No model runs, so nothing is used. */
export const openAiTokenize: Wire = {
  ...openAiPlain,
  readCall: (body) => ({ ...readCall(body, false), inputTokens: 0 }),
  readReply(body) {
    refuseErrorReply(parseReplyBody(body));
    return nothingUsed();
  },
};

/** The members under which these endpoints and their dialects take what the model reads. */
const INPUTS = ['input', 'prompt', 'instructions', 'documents', 'text_2', 'texts', 'items'];
/** Read again with every document. */
const QUERIES = ['query', 'queries', 'text_1'];

function readCall({ value }: JsonBody, stream: boolean): CallShape {
  let inputTokens = 0;
  let documents = 1;
  for (const name of INPUTS) {
    const input = value[name];
    inputTokens += estimatePrompt(input);
    if (Array.isArray(input) && name !== 'input') documents = Math.max(documents, input.length);
  }
  for (const name of QUERIES) inputTokens += estimateContent(value[name]) * documents;
  const { messages } = value;
  if (Array.isArray(messages)) inputTokens += estimateMessages(messages);
  return {
    model: parseModel(value['model']),
    stream,
    usageRequested: true,
    maxOutputTokens: null,
    choices: parseChoices(value['n'], 'n'),
    inputTokens,
    edits: [],
  };
}

/** Speech has its own word for it. */
function readsAsStream({ value }: JsonBody): boolean {
  return parseFlag(value['stream'], 'stream') || value['stream_format'] === 'sse';
}

const FLAGS = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
]);

/** `fileTokens`: what the files are taken for, if there are any. */
function readForm(form: FormBody, fileTokens: number): CallShape {
  const text = (name: string) => form.fields.get(name)?.value;
  const model = parseModel(text('model'));
  const stream = FLAGS.get(text('stream') ?? 'false');
  if (stream === undefined) throw invalidField('stream', '`stream` must be true or false.');
  const n = text('n');
  return {
    model,
    stream,
    usageRequested: true,
    maxOutputTokens: null,
    choices: n === undefined ? 1 : parseChoices(/^\d{1,4}$/.test(n) ? Number(n) : Number.NaN, 'n'),
    inputTokens: estimateContent(text('prompt')) + (form.fileBytes > 0 ? fileTokens : 0),
    edits: [],
  };
}

/** `{text, usage?}`, or the bare text and subtitles of the other formats. */
function readTranscript(body: Uint8Array): ReplyFacts {
  const counter = new OutputCounter();
  if (body[0] !== 0x7b) {
    counter.addUncounted(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
    return toFacts(null, counter.tokens);
  }
  const reply = parseReplyBody(body);
  refuseErrorReply(reply);
  const { text } = reply;
  if (typeof text === 'string') counter.addUncounted(text);
  return toFacts(fromAnyUsage(reply['usage']), counter.tokens);
}
