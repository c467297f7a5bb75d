import { redactText } from './redact.ts';
import { coverBlob } from './redact-data.ts';

/** JSON inside a string inside a string …: tool calls need two, nobody needs more than this. */
const DEPTH_MAX = 4;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * JSON text with everything personal replaced inside its strings, member names included, and numbers
 * that are cards turned into strings. Valid JSON stays valid, and what is not touched stays as it
 * was written. Works on tokens, so a document that was cut off is redacted all the same, and so
 * is text that only looks like JSON.
 */
export function redactJson(text: string, depth = 0): string {
  let redacted = '';
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('"', at);
    const gapEnd = open === -1 ? text.length : open;
    redacted += redactGap(text.slice(at, gapEnd));
    if (open === -1) break;
    const close = endOfString(text, open + 1);
    redacted += redactString(text.slice(open + 1, close), depth);
    if (close < text.length) redacted += '"';
    at = close + 1;
  }
  return redacted;
}

/** No number of JSON is personal below this, and most gaps are a comma or a colon. */
const GAP_MIN = 6;

function redactGap(gap: string): string {
  return gap.length < GAP_MIN ? gap : redactText(gap, { quote: true });
}

function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at;
    at += unit === BACKSLASH ? 2 : 1;
  }
  return text.length;
}

/** `raw` and the answer are without their quotes. */
function redactString(raw: string, depth: number): string {
  const open = `"${raw}`;
  const value = raw.includes('\\') ? unescapeJson(raw) : raw;
  const redacted = redactValue(value, depth);
  return redacted === value ? open : JSON.stringify(redacted).slice(0, -1);
}

/** What a string of JSON says, redacted: as text, as nested JSON, or as a label for encoded bytes. */
export function redactValue(value: string, depth = 0): string {
  const blob = coverBlob(value);
  if (blob !== null) return blob;
  // What a nested document escapes would hide from the patterns.
  const isNested = depth < DEPTH_MAX && value.includes('\\') && /^\s{0,64}[{["]/.test(value);
  return isNested ? redactJson(value, depth + 1) : redactText(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Tolerant, because a string may be cut off anywhere. */
function unescapeJson(raw: string): string {
  return raw.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, sign: string) =>
    hex === undefined ? (ESCAPES[sign] ?? sign) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
