import { readCount, readJsonLines } from './json-lines.ts';
import type { Prompt, PromptSource } from './prompt.ts';

/**
 * Prompts from JSON Lines: `{"prompt": "…"}` as vLLM's custom data set, or `{"messages": […]}`, each
 * with `output_tokens` or `max_tokens` if it wants. Begins again at the end of the file. Throws
 * DatasetError.
 */
export function parseFilePrompts(
  name: string,
  text: string,
  outputTokens: number | null,
): PromptSource {
  const prompts = readJsonLines(name, text, (object): Prompt => {
    const maxTokens = readMaxTokens(object) ?? outputTokens;
    const { prompt, messages } = object as { prompt?: unknown; messages?: unknown };
    if (typeof prompt === 'string' && prompt !== '') {
      return { input: { kind: 'text', text: prompt }, inputTokens: null, maxTokens };
    }
    if (Array.isArray(messages) && messages.length > 0) {
      return { input: { kind: 'messages', messages }, inputTokens: null, maxTokens };
    }
    throw new Error('there is neither a "prompt" text nor a "messages" list');
  });
  const [first] = prompts;
  if (first === undefined) throw new Error('readJsonLines gives at least one');
  return {
    size: prompts.length,
    timesMs: null,
    at: (index) => prompts[index % prompts.length] ?? first,
  };
}

function readMaxTokens(object: Readonly<Record<string, unknown>>): number | null {
  for (const name of ['output_tokens', 'max_tokens']) {
    if (object[name] !== undefined) return readCount(object, name, 1);
  }
  return null;
}
