import { type Answer, type Call, createPlainAnswer } from '../answer.ts';
import { createCompletion } from '../completion.ts';
import { isObject } from '../fields.ts';
import { readPrompt } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';
import { renderUsage } from '../usage-report.ts';
import { joinSteps } from '../words.ts';

const CONTENT_TYPES = new Map([
  ['mp3', 'audio/mpeg'],
  ['opus', 'audio/opus'],
  ['aac', 'audio/aac'],
  ['flac', 'audio/flac'],
  ['wav', 'audio/wav'],
  ['pcm', 'audio/pcm'],
]);
const SAMPLES_PER_SECOND = 8000;
/** How long one word is spoken. */
const SAMPLES_PER_WORD = SAMPLES_PER_SECOND / 4;
/** Bytes of sound that count as a second when nobody decodes it. */
const BYTES_PER_SECOND = 16_000;

/** `POST /v1/audio/speech`: silence, a quarter of a second for each word. */
export function answerSpeech(call: Call): Answer {
  const { input, response_format: format = 'mp3' } = call.body;
  if (typeof input !== 'string') throw createBadRequest('input must be a string.', 'input');
  const contentType = CONTENT_TYPES.get(String(format));
  if (contentType === undefined) throw createBadRequest('unknown format.', 'response_format');
  const { tokens } = readPrompt([input], call.seed);
  const sound = Buffer.alloc(tokens * SAMPLES_PER_WORD, 0x80);
  const bytes = format === 'wav' ? Buffer.concat([createWavHeader(sound.length), sound]) : sound;
  return createPlainAnswer(bytes, { contentType, promptTokens: tokens });
}

/** `POST /v1/audio/transcriptions` and `translations`: words that depend on name and size. */
export function answerTranscription(call: Call): Answer {
  const { file, response_format: format = 'json' } = call.body;
  if (!isObject(file)) throw createBadRequest('file is missing.', 'file');
  const bytes = Number(file['bytes']);
  const seconds = Math.max(1, Math.ceil(bytes / BYTES_PER_SECOND));
  const completion = createCompletion(call, {
    prompt: readPrompt([String(file['name']), String(bytes)], call.seed),
    maxTokens: null,
    isExact: false,
    choices: 1,
    tool: undefined,
  });
  const text = joinSteps(completion.choices[0]?.steps ?? [], 'text');
  const prompt = readPrompt([call.body['prompt'] ?? ''], call.seed).tokens;
  const counts = { ...completion.counts, prompt, cached: 0, cacheWrite: 0 };
  const usage = renderUsage({ type: 'duration', seconds }, call.usageFault);
  const isText = format === 'text';
  return {
    ...createPlainAnswer(
      isText
        ? `${text}\n`
        : `{"text":${JSON.stringify(text)}${usage === undefined ? '' : `,"usage":${usage}`}}`,
      { contentType: isText ? 'text/plain; charset=utf-8' : 'application/json' },
    ),
    counts,
    steps: completion.steps,
  };
}

/** RIFF header of 8-bit mono sound. */
function createWavHeader(sampleBytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + sampleBytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  header.writeUInt32LE(SAMPLES_PER_SECOND, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(sampleBytes, 40);
  return header;
}
