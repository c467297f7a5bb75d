import { countTokens } from './count-tokens.ts';
import type { JsonBody } from './json-body.ts';

/** What an image, a sound, a video or a file is taken for: its bytes say nothing about tokens. */
export const MEDIA_TOKENS = 1_000;

/** What the chat template puts around every message. */
export const MESSAGE_TOKENS = 4;

/**
 * Bytes of sound for one token: compressed speech has 8 kB a second, and vendors count 10 to 32
 * tokens for it. A recording that is not compressed is estimated too long.
 */
const SOUND_BYTES_PER_TOKEN = 500;

export function estimateSound(sizeBytes: number): number {
  return Math.max(MEDIA_TOKENS, Math.ceil(sizeBytes / SOUND_BYTES_PER_TOKEN));
}

/** Members that hold a medium, by reference or inline. */
const MEDIA = new Set([
  ...['image_url', 'image', 'input_image', 'input_audio', 'audio_url', 'audio', 'video_url'],
  ...['video', 'file_data', 'file_id', 'inline_data', 'encrypted_content', 'partial_image_b64'],
]);

/** Members that steer and are not part of the prompt. */
const STEERING = new Set(['type', 'role', 'id', 'status', 'cache_control', 'tool_call_id']);

/**
 * Tokens of whatever a user may write where a protocol takes content: text, parts, tool results.
 * Walks any shape, so that a part type of tomorrow is counted too. Depth is bounded by the scan.
 */
export function estimateContent(value: unknown): number {
  if (typeof value === 'string') {
    return value.startsWith('data:') ? MEDIA_TOKENS : countTokens(value);
  }
  if (typeof value !== 'object' || value === null) return 0;
  let tokens = 0;
  if (Array.isArray(value)) {
    for (const item of value) tokens += estimateContent(item);
    return tokens;
  }
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (member === null || STEERING.has(name)) continue;
    if (MEDIA.has(name) || (name === 'source' && !isTextSource(member))) tokens += MEDIA_TOKENS;
    else tokens += estimateContent(member);
  }
  return tokens;
}

/** A list of messages or items, each with what the template adds to it. */
export function estimateMessages(messages: readonly unknown[]): number {
  let tokens = 0;
  for (const message of messages) tokens += MESSAGE_TOKENS + estimateContent(message);
  return tokens;
}

/** A prompt as the completion and embedding endpoints take it: texts or token ids, one or many. */
export function estimatePrompt(prompt: unknown): number {
  if (!Array.isArray(prompt)) return estimateContent(prompt);
  let tokens = 0;
  for (const item of prompt) {
    if (typeof item === 'number') tokens += 1;
    else tokens += estimatePrompt(item);
  }
  return tokens;
}

/** A top-level member counted by its size in the body: for schemas, where walking buys nothing. */
export function estimateMember(body: JsonBody, name: string): number {
  const range = body.scan.find(name);
  return range === undefined ? 0 : Math.ceil((range.end - range.start) / 4);
}

/** Anthropic's documents may carry their text in `source`. */
function isTextSource(source: unknown): boolean {
  const type = (source as { readonly type?: unknown }).type;
  return type === 'text' || type === 'content';
}
