import { createFiller } from './filler.ts';
import { readCount, readJsonLines } from './json-lines.ts';
import { DatasetError, type PromptSource } from './prompt.ts';

/** Tokens that one hash id of a Mooncake trace stands for (FAST'25 artefact, `hash_ids`). */
const BLOCK_TOKENS = 512;
/** A trace asks for real prompts; a longer one is a broken line and not a context. */
const LONGEST_TOKENS = 10_000_000;

interface TraceLine {
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly hashIds: readonly number[];
}

/**
 * Requests of a trace in Mooncake's form: `timestamp` in milliseconds, `input_length`,
 * `output_length`, `hash_ids`. Equal ids become equal text of 512 words, so a server's prefix cache
 * hits where it did in the trace. Throws DatasetError.
 */
export function parseTracePrompts(name: string, text: string, seed: number): PromptSource {
  const lines = readJsonLines(name, text, readLine);
  for (const [index, line] of lines.entries()) {
    const before = lines[index - 1];
    if (before === undefined || line.atMs >= before.atMs) continue;
    throw new DatasetError(`${name}: request ${index + 1} is before the one above it in time`);
  }
  const filler = createFiller(seed);
  const startMs = lines[0]?.atMs ?? 0;
  return {
    size: lines.length,
    timesMs: lines.map(({ atMs }) => atMs - startMs),
    at(index) {
      const line = lines[index % lines.length];
      if (line === undefined) throw new Error('readJsonLines gives at least one');
      const { inputTokens, outputTokens, hashIds } = line;
      const blocks: string[] = [];
      let left = inputTokens;
      for (const id of hashIds) {
        blocks.push(filler.text(id, Math.min(BLOCK_TOKENS, left)));
        left -= BLOCK_TOKENS;
        if (left <= 0) break;
      }
      // Longer than its blocks: the rest was no whole block and is shared with nobody.
      if (left > 0) blocks.push(filler.text(0x8000_0000 + index, left));
      return {
        input: { kind: 'text', text: blocks.join(' ') },
        inputTokens,
        maxTokens: outputTokens,
      };
    },
  };
}

function readLine(object: Readonly<Record<string, unknown>>): TraceLine {
  const { timestamp, hash_ids: ids = [] } = object as { timestamp?: unknown; hash_ids?: unknown };
  if (typeof timestamp !== 'number' || !(timestamp >= 0)) {
    throw new Error('timestamp is not a number of milliseconds from 0');
  }
  const inputTokens = readCount(object, 'input_length', 1);
  if (inputTokens > LONGEST_TOKENS) throw new Error('input_length is beyond 10,000,000');
  const isIds = Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && id >= 0);
  if (!isIds) throw new Error('hash_ids is not a list of whole numbers');
  return {
    atMs: timestamp,
    inputTokens,
    outputTokens: readCount(object, 'output_length', 1),
    hashIds: ids as readonly number[], // Checked on the lines above.
  };
}
