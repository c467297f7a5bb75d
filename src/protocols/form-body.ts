import { GateError } from '../core/error.ts';
import { parseHeaderParameters } from './header-parameters.ts';
import { type Edit, splice } from './json-body.ts';
import type { ByteRange } from './json-scan.ts';
import { ROUTING_NAMES } from './special-names.ts';

/** A text field of a form: its bytes in the body and what they say. */
export interface FormField extends ByteRange {
  readonly value: string;
}

/** A multipart/form-data body, read once. Files stay where they are; `bytes` is what is forwarded. */
export interface FormBody {
  readonly bytes: Uint8Array;
  readonly boundary: string;
  /** Text fields. Of a repeated list field (`image[]`, `timestamp_granularities[]`) the first. */
  readonly fields: ReadonlyMap<string, FormField>;
  /** Bytes of all parts that are files. */
  readonly fileBytes: number;
}

const MAX_PARTS = 256;
const MAX_PART_HEAD_BYTES = 8 * 1024;
const MAX_TEXT_BYTES = 256 * 1024;
const CRLF = '\r\n';
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder('latin1');

/**
 * Finds the text fields of a form without copying its files.
 *
 * Stricter than RFC 7578: no preamble, CRLF only, no transfer encodings, every text field once.
 * Whatever two parsers could read differently could name one model here and another one there.
 *
 * @throws GateError `invalid_request` or `unsupported_field`.
 */
export function parseForm(bytes: Uint8Array, contentType: string): FormBody {
  const boundary = parseBoundary(contentType);
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const delimiter = Buffer.from(`${CRLF}--${boundary}`);
  const fields = new Map<string, FormField>();
  let fileBytes = 0;
  let at = delimiter.length - CRLF.length;
  if (!body.subarray(0, at).equals(delimiter.subarray(CRLF.length))) {
    throw badForm('it does not start with its boundary');
  }
  for (let count = 0; !isClosing(body, at); count++) {
    if (count === MAX_PARTS) throw badForm(`it has more than ${MAX_PARTS} parts`);
    const headStart = at + CRLF.length;
    const headEnd = body.indexOf(`${CRLF}${CRLF}`, at);
    if (headEnd === -1 || headEnd - at > MAX_PART_HEAD_BYTES) {
      throw badForm('the header of a part does not end');
    }
    const start = headEnd + 2 * CRLF.length;
    const end = body.indexOf(delimiter, start - CRLF.length);
    if (end === -1) throw badForm('it does not end with its boundary');
    // A boundary right after the header: the next part to some parsers, a value to others.
    if (end < start) throw badForm('a part has no value');
    const part = parsePartHead(latin1.decode(body.subarray(headStart, headEnd)));
    if (part.isFile) fileBytes += end - start;
    else addField(fields, part.name, readText(body, part.name, start, end));
    at = end + delimiter.length;
  }
  return { bytes, boundary, fields, fileBytes };
}

/**
 * The form with the text of some fields replaced or added; every other byte stays as it was. The
 * `json` of an edit is taken as the text of the field.
 */
export function spliceForm(form: FormBody, edits: readonly Edit[]): Uint8Array {
  let added = '';
  const cuts = [];
  for (const { member, json: text } of edits) {
    if (text.includes(`--${form.boundary}`)) throw badForm('a field holds its boundary');
    const field = form.fields.get(member);
    if (field !== undefined) cuts.push({ start: field.start, end: field.end, text });
    else {
      const head = `Content-Disposition: form-data; name="${member}"`;
      added += [`--${form.boundary}`, head, '', text, ''].join(CRLF);
    }
  }
  cuts.sort((a, b) => a.start - b.start);
  if (added !== '') cuts.unshift({ start: 0, end: 0, text: added });
  return cuts.length === 0 ? form.bytes : splice(form.bytes, cuts);
}

/** RFC 2046 §5.1.1. */
const BOUNDARY = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

function parseBoundary(contentType: string): string {
  const boundary = parseHeaderParameters(contentType, 'multipart/form-data')?.get('boundary');
  if (boundary === undefined || !BOUNDARY.test(boundary)) {
    throw badForm('Content-Type has no usable boundary');
  }
  return boundary;
}

/** At `--` the form ends; at CRLF another part begins. */
function isClosing(body: Buffer, at: number): boolean {
  const next = latin1.decode(body.subarray(at, at + 2));
  if (next === CRLF) return false;
  if (next !== '--') throw badForm('a boundary is not followed by a line end');
  const rest = latin1.decode(body.subarray(at + 2, at + 5));
  if (rest !== '' && rest !== CRLF) throw badForm('there is more after its end');
  return true;
}

/** Escapes are not resolved here, so a name in which some parser might see one is refused. */
const PART_NAME = /^[^%\\]{1,256}$/;

interface PartHead {
  readonly name: string;
  readonly isFile: boolean;
}

function parsePartHead(head: string): PartHead {
  let part: PartHead | undefined;
  for (const line of head.split(CRLF)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || /[\r\n]/.test(line) || /\s$/.test(name)) {
      throw badForm('the header of a part is malformed');
    }
    if (name === 'content-transfer-encoding' && !/^(?:7bit|8bit|binary)$/i.test(value)) {
      throw badForm('transfer encodings are not supported');
    }
    if (name !== 'content-disposition') continue;
    if (part !== undefined) throw badForm('a part has two names');
    part = toPart(value);
  }
  if (part === undefined) throw badForm('a part has no usable name');
  return part;
}

function toPart(disposition: string): PartHead {
  const parameters = parseHeaderParameters(disposition, 'form-data');
  const name = parameters?.get('name');
  if (parameters === undefined || name === undefined || !PART_NAME.test(name)) {
    throw badForm('a part has no usable name');
  }
  return { name, isFile: parameters.has('filename') || parameters.has('filename*') };
}

function readText(body: Buffer, name: string, start: number, end: number): FormField {
  if (end - start > MAX_TEXT_BYTES) {
    throw new GateError('invalid_request', 'A text field of the form is too long.', {
      param: name,
    });
  }
  try {
    return { start, end, value: utf8.decode(body.subarray(start, end)) };
  } catch {
    throw badForm('a text field is not UTF-8');
  }
}

function addField(fields: Map<string, FormField>, name: string, field: FormField): void {
  const isList = name.endsWith('[]');
  const folded = name.toLowerCase();
  if (ROUTING_NAMES.has(folded)) {
    throw new GateError(
      'unsupported_field',
      `The field ${folded} is not supported: a request does not choose the backend.`,
      { param: folded },
    );
  }
  for (const other of fields.keys()) {
    if (other.toLowerCase() !== folded) continue;
    if (isList) return;
    throw new GateError('invalid_request', 'A field of the form appears twice.', { param: other });
  }
  fields.set(name, field);
}

function badForm(why: string): GateError {
  return new GateError('invalid_request', `The form cannot be read: ${why}.`);
}
