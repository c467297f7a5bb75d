import { GateError } from '../core/error.ts';
import { findJsonFault, findUtf8Fault } from './json-fault.ts';
import { type JsonCaps, type JsonScan, scanJson } from './json-scan.ts';

/** A request body, parsed once. `bytes` is what gets forwarded. */
export interface JsonBody {
  readonly bytes: Uint8Array;
  readonly scan: JsonScan;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A new value for one top-level member. */
export interface Edit {
  readonly member: string;
  /** The value as JSON text. */
  readonly json: string;
}

// A leading byte order mark is refused by the scan, so the decoder never gets to drop one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws GateError `invalid_json` or `unsupported_field`, saying where. */
export function parseJsonBody(bytes: Uint8Array, caps: JsonCaps): JsonBody {
  const scan = scanJson(bytes, caps);
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    const message = `The body is not valid UTF-8, at byte ${findUtf8Fault(bytes)}.`;
    throw new GateError('invalid_json', message, { cause });
  }
  try {
    // The scan has seen an object with its closing brace, so this is one or a syntax error.
    return { bytes, scan, value: JSON.parse(text) as Record<string, unknown> };
  } catch {
    const fault = findJsonFault(bytes);
    throw new GateError('invalid_json', `The body is not valid JSON: ${fault}.`);
  }
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The body with the members of `edits` replaced or added; every other byte stays as it was, so big
 * integers, spacing and unknown fields survive. Each member may be edited once.
 */
export function spliceJson(body: JsonBody, edits: readonly Edit[]): Uint8Array {
  if (edits.length === 0) return body.bytes;
  const { scan } = body;
  let added = '';
  const cuts: Cut[] = [];
  for (const { member, json } of edits) {
    const range = scan.find(member);
    if (range !== undefined) cuts.push({ start: range.start, end: range.end, text: json });
    else added += `${added === '' && scan.isEmpty ? '' : ','}${JSON.stringify(member)}:${json}`;
  }
  cuts.sort((a, b) => a.start - b.start);
  if (added !== '') cuts.push({ start: scan.insertAt, end: scan.insertAt, text: added });
  return splice(body.bytes, cuts);
}

/** One allocation, one copy. `cuts` are in order and do not overlap. */
export function splice(bytes: Uint8Array, cuts: readonly Cut[]): Uint8Array {
  let size = bytes.length;
  for (const cut of cuts) size += Buffer.byteLength(cut.text) - (cut.end - cut.start);
  const result = Buffer.allocUnsafe(size);
  let from = 0;
  let to = 0;
  for (const cut of cuts) {
    result.set(bytes.subarray(from, cut.start), to);
    to += cut.start - from;
    to += result.write(cut.text, to);
    from = cut.end;
  }
  result.set(bytes.subarray(from), to);
  return result;
}
