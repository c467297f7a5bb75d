import { type Answer, type Call, createPlainAnswer } from '../answer.ts';
import { findCount } from '../fields.ts';
import { type Prompt, readPrompt } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';
import { SeededRandom } from '../seeded-random.ts';
import { renderUsage } from '../usage-report.ts';

const DEFAULT_DIMENSIONS = 256;
const MAX_DIMENSIONS = 16_384;

/** `POST /v1/embeddings`: unit vectors that are equal for equal texts. */
export function answerEmbeddings(call: Call): Answer {
  const { input, encoding_format: encoding = 'float' } = call.body;
  if (input === undefined || input === null) throw createBadRequest('input is missing.', 'input');
  const size = Math.min(findCount(call.body, 'dimensions') ?? DEFAULT_DIMENSIONS, MAX_DIMENSIONS);
  const prompts = toItems(input).map((item) => readPrompt([item], call.seed));
  const prompt = prompts.reduce((sum, { tokens }) => sum + tokens, 0);
  const data = prompts.map((item, index) => {
    const vector = createVector(item, size);
    const embedding = encoding === 'base64' ? toBase64(vector) : toNumbers(vector);
    return `{"object":"embedding","index":${index},"embedding":${embedding}}`;
  });
  const usage = renderUsage({ prompt_tokens: prompt, total_tokens: prompt }, call.usageFault);
  return createPlainAnswer(
    `{"object":"list","data":[${data.join()}],"model":${JSON.stringify(call.model)}` +
      `${usage === undefined ? '' : `,"usage":${usage}`}}`,
    { promptTokens: prompt, usageIn: 'body' },
  );
}

/** A string or one list of token ids is one item; other lists are many. */
function toItems(input: unknown): readonly unknown[] {
  return Array.isArray(input) && typeof input[0] !== 'number' ? input : [input];
}

function createVector(prompt: Prompt, size: number): Float32Array {
  const random = new SeededRandom(prompt.hash);
  const vector = Float32Array.from({ length: size }, () => random.next() * 2 - 1);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function toNumbers(vector: Float32Array): string {
  return `[${Array.from(vector, (value) => value.toFixed(7)).join()}]`;
}

/** Little-endian float32, as OpenAI's clients expect it. */
function toBase64(vector: Float32Array): string {
  return `"${Buffer.from(vector.buffer).toString('base64')}"`;
}
