import { isUtf8 } from 'node:buffer';
import { redactText } from '../../audit/redact.ts';
import { toDataLabel } from '../../audit/redact-data.ts';

/** RFC 2046 §5.1.1: a boundary has up to 70 characters. */
const DELIMITER_MAX = 72;
const DELIMITER = /^--[\w'()+,\-./:=? ]{1,70}\r\n/;
const FILE = /^content-disposition:.*\bfilename\*?=/im;
const MEDIA_TYPE = /^content-type:[ \t]{0,8}([\w.+-]+\/[\w.+-]+)/im;
const BLANK_LINE = '\r\n\r\n';

/**
 * A multipart/form-data body, known by its first line, with the text of its fields redacted and
 * every file replaced by what it was; null when the body is no form.
 */
export function redactForm(bytes: Uint8Array): string | null {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [first] = DELIMITER.exec(body.toString('latin1', 0, DELIMITER_MAX + 2)) ?? [];
  if (first === undefined) return null;
  const delimiter = Buffer.from(`\r\n${first.slice(0, -2)}`, 'latin1');
  let redacted = '';
  for (let start = first.length; start < body.length; ) {
    const next = body.indexOf(delimiter, start);
    const end = next === -1 ? body.length : next;
    redacted += first + redactPart(body.subarray(start, end));
    if (next === -1) return redacted;
    redacted += '\r\n';
    start = end + delimiter.length;
    if (body.toString('latin1', start, start + 2) === '--') break;
    start += 2;
  }
  return `${redacted}${first.slice(0, -2)}--\r\n`;
}

function redactPart(part: Buffer): string {
  const headEnd = part.indexOf(BLANK_LINE);
  if (headEnd === -1) return '';
  const head = part.toString('utf8', 0, headEnd);
  const content = part.subarray(headEnd + BLANK_LINE.length);
  const mediaType = MEDIA_TYPE.exec(head)?.[1] ?? 'application/octet-stream';
  const isText = !FILE.test(head) && isUtf8(content);
  const kept = isText
    ? redactText(content.toString('utf8'))
    : toDataLabel(mediaType, content.byteLength);
  return redactText(head) + BLANK_LINE + kept;
}
