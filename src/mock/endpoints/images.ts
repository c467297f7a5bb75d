import { type Answer, type Call, createPlainAnswer } from '../answer.ts';
import { readPrompt } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';
import { renderUsage } from '../usage-report.ts';

/** One transparent pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const TOKENS_PER_IMAGE = 272;
const MAX_IMAGES = 10;

/** `POST /v1/images/generations`, and `edits` and `variations`, whose body is a form. */
export function answerImages(call: Call): Answer {
  const { prompt = '', n = 1 } = call.body;
  // In a form every field is a string.
  const count = Number(n);
  if (!Number.isInteger(count) || count < 1 || count > MAX_IMAGES) {
    throw createBadRequest(`n must be from 1 to ${MAX_IMAGES}.`, 'n');
  }
  const { tokens } = readPrompt([prompt], call.seed);
  const output = count * TOKENS_PER_IMAGE;
  const usage = renderUsage(
    {
      input_tokens: tokens,
      input_tokens_details: { text_tokens: tokens, image_tokens: 0 },
      output_tokens: output,
      total_tokens: tokens + output,
    },
    call.usageFault,
  );
  const data = JSON.stringify(Array.from({ length: count }, () => ({ b64_json: PNG })));
  const answer = createPlainAnswer(
    `{"created":${call.createdSeconds},"data":${data}${usage === undefined ? '' : `,"usage":${usage}`}}`,
    { promptTokens: tokens, usageIn: 'body' },
  );
  return { ...answer, counts: { ...answer.counts, completion: output, imageOutput: output } };
}
