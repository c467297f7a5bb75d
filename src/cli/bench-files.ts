import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseFilePrompts } from '../bench/file-prompts.ts';
import { DatasetError, type PromptSource } from '../bench/prompt.ts';
import { createSyntheticPrompts } from '../bench/synthetic-prompts.ts';
import { parseTracePrompts } from '../bench/trace-prompts.ts';
import type { BenchFlags } from './bench-flags.ts';
import { outputTokensOf } from './bench-settings.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { toVisibleText } from './visible-text.ts';

/** It is all kept in memory. */
const DATASET_BYTES_MAX = 512 * 1024 * 1024;
const KEY_BYTES_MAX = 4_096;
/** Lines are written in pieces of this size. */
const PIECE_CHARACTERS = 65_536;

/** The prompts that the flags ask for. Throws CliError, exit 2, with every fault of a file. */
export function loadPrompts(flags: BenchFlags, io: Pick<CliIo, 'cwd'>): PromptSource {
  const { datasetPath: path, datasetName: name = path === undefined ? 'random' : 'custom' } = flags;
  if (name === 'random') {
    if (path !== undefined)
      throw new CliError('--dataset-path goes with custom or mooncake', EXIT.usage);
    return createSyntheticPrompts({
      inputTokens: flags.inputLen,
      outputTokens: outputTokensOf(flags),
      rangeRatio: flags.randomRangeRatio,
      prefixCount: flags.numPrefixPrompts || (flags.prefixPromptLength > 0 ? 1 : 0),
      prefixTokens: flags.prefixPromptLength,
      seed: flags.seed,
    });
  }
  if (path === undefined) throw new CliError(`${name} needs --dataset-path`, EXIT.usage);
  const text = readText(resolve(io.cwd, path), path, DATASET_BYTES_MAX);
  try {
    return name === 'custom'
      ? parseFilePrompts(path, text, outputTokensOf(flags))
      : parseTracePrompts(path, text, flags.seed);
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    const lines = cause.message.split('\n').map(toVisibleText).join('\n');
    throw new CliError(lines, EXIT.usage, 'docs/bench.md shows what a line looks like.');
  }
}

/**
 * The caller's key: from `--api-key-file`, else from `LLMGATE_API_KEY`. There is no flag for the
 * key itself, because every user of a machine can read the flags of every process.
 */
export function loadApiKey(flags: BenchFlags, io: Pick<CliIo, 'cwd' | 'env'>): string | null {
  const { apiKeyFile: path } = flags;
  const text =
    path === undefined
      ? (io.env['LLMGATE_API_KEY'] ?? '')
      : readText(resolve(io.cwd, path), path, KEY_BYTES_MAX);
  return checkKey(text.trim());
}

/** The key for the server that is compared with; the caller's own is not shown to it. */
export function loadCompareKey(io: Pick<CliIo, 'env'>): string | null {
  return checkKey((io.env['LLMGATE_COMPARE_API_KEY'] ?? '').trim());
}

/** Nothing of a bad key is quoted. */
function checkKey(key: string): string | null {
  if (key === '') return null;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new CliError('the API key has characters that no key has', EXIT.usage);
}

function readText(path: string, shown: string, maxBytes: number): string {
  try {
    if (statSync(path).size > maxBytes) {
      throw new CliError(toVisibleText(`${shown} has more than ${maxBytes} bytes`), EXIT.usage);
    }
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw toFileError(cause, shown, 'read');
  }
}

export function writePage(path: string, io: Pick<CliIo, 'cwd'>, page: string): void {
  try {
    writeFileSync(resolve(io.cwd, path), page);
  } catch (cause) {
    throw toFileError(cause, path, 'write');
  }
}

/** A file that takes lines, a piece at a time. */
export interface LineWriter {
  add(line: string): void;
  close(): void;
}

export function openLines(path: string, io: Pick<CliIo, 'cwd'>): LineWriter {
  let file: number;
  try {
    file = openSync(resolve(io.cwd, path), 'w', 0o644);
  } catch (cause) {
    throw toFileError(cause, path, 'write');
  }
  let waiting = '';
  const flush = () => {
    writeSync(file, waiting);
    waiting = '';
  };
  return {
    add(line) {
      waiting += `${line}\n`;
      if (waiting.length >= PIECE_CHARACTERS) flush();
    },
    close() {
      flush();
      closeSync(file);
    },
  };
}

function toFileError(cause: unknown, path: string, verb: string): unknown {
  if (!(cause instanceof Error && 'code' in cause)) return cause;
  return new CliError(toVisibleText(`cannot ${verb} ${path}: ${String(cause.code)}`), EXIT.usage);
}
