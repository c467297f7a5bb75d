import { DatasetError } from './prompt.ts';

/** Faults beyond this are counted, not told. */
const FAULTS_TOLD_MAX = 5;

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads each line of JSON Lines. `read` throws a string-like Error for a line it cannot use; all
 * faults come out in one DatasetError, each with its line number. `name` is the file, for people.
 */
export function readJsonLines<T>(name: string, text: string, read: (object: JsonObject) => T): T[] {
  const items: T[] = [];
  const faults: string[] = [];
  let faultCount = 0;
  let lineNumber = 0;
  for (const line of text.replace(/^\ufeff/, '').split('\n')) {
    lineNumber += 1;
    if (line.trim() === '') continue;
    try {
      items.push(read(parseObject(line)));
    } catch (cause) {
      faultCount += 1;
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (faults.length < FAULTS_TOLD_MAX) faults.push(`${name}:${lineNumber}: ${reason}`);
    }
  }
  if (faultCount > faults.length) faults.push(`and ${faultCount - faults.length} more`);
  if (faultCount > 0) throw new DatasetError(faults.join('\n'));
  if (items.length === 0) throw new DatasetError(`${name}: there is no request in it`);
  return items;
}

function parseObject(line: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error('this is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('this is not a JSON object');
  }
  return value as JsonObject; // Checked on the lines above.
}

/** A member that must be a whole number from `least`. */
export function readCount(object: JsonObject, name: string, least: number): number {
  const value = object[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`${name} is not a whole number from ${least}`);
}
