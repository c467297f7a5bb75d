import { redactText } from '../../audit/redact.ts';
import { toDataLabel } from '../../audit/redact-data.ts';
import { redactJson, redactValue } from '../../audit/redact-json.ts';
import { redactForm } from './redact-form.ts';
import { isEventStream, toStreamText } from './stream-text.ts';

/**
 * Where a body was cut off, what a pattern needs may be behind the cut: a card number of twelve
 * digits is none. So much of the end is left out, more than any pattern but keys is long.
 */
const CUT_CHARS = 256;

/**
 * A request or an answer with everything personal replaced, as bytes again. JSON stays JSON; an
 * event stream becomes the text it told; bytes that are no text become a label.
 */
export function redactBody(bytes: Uint8Array, isTruncated: boolean): Uint8Array {
  if (bytes.byteLength === 0) return bytes;
  const form = redactForm(bytes);
  if (form !== null) return Buffer.from(cut(form, isTruncated));
  const text = toText(bytes, isTruncated);
  if (text === null) return Buffer.from(toDataLabel('application/octet-stream', bytes.byteLength));
  if (isEventStream(text)) return Buffer.from(redactStream(bytes, isTruncated));
  const redacted = /^\s{0,64}[{["]/.test(text) ? redactJson(text) : redactText(text);
  return Buffer.from(cut(redacted, isTruncated));
}

/** As one document of whole texts: what is personal may be spread over any number of frames. */
function redactStream(bytes: Uint8Array, isTruncated: boolean): string {
  const { frames, unreadable, texts, values } = toStreamText(bytes);
  const text = Array.from(texts, ([path, told]) => [
    redactText(path),
    cut(redactValue(told), isTruncated),
  ]);
  const others = redactJson(JSON.stringify(Object.fromEntries(values)));
  const facts = { frames, unreadable_frames: unreadable, text: Object.fromEntries(text) };
  return `${JSON.stringify(facts).slice(0, -1)},"values":${others}}`;
}

function cut(text: string, isTruncated: boolean): string {
  return isTruncated ? text.slice(0, -CUT_CHARS) : text;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** null for bytes that are not UTF-8. The cap may have cut a character in pieces. */
function toText(bytes: Uint8Array, isTruncated: boolean): string | null {
  for (let left = 0; left <= (isTruncated ? 3 : 0); left += 1) {
    try {
      return UTF8.decode(bytes.subarray(0, bytes.byteLength - left));
    } catch {
      // Tried with a byte less.
    }
  }
  return null;
}
