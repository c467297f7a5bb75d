import { isTokenUnit } from './redact-character.ts';

// Pictures and sound are personal data that no pattern can look into, and the largest part of the
// bodies that hold them. They are replaced whole.

const MARK = ';base64,';
/** `data:`, a media type and its parameters. */
const HEAD_MAX = 200;
const SCHEME = 'data:';
const MEDIA_TYPE = /^[\w.+;=/-]*$/;

/** Every base64 `data:` URL as `[DATA image/png 12345 bytes]`. */
export function coverDataUrls(text: string): string {
  let covered = '';
  let at = 0;
  for (let mark = text.indexOf(MARK); mark !== -1; mark = text.indexOf(MARK, mark + 1)) {
    const head = text.slice(Math.max(at, mark - HEAD_MAX), mark);
    const scheme = head.toLowerCase().lastIndexOf(SCHEME);
    const [mediaType = ''] = head.slice(scheme + SCHEME.length).split(';', 1);
    if (scheme === -1 || !MEDIA_TYPE.test(head.slice(scheme + SCHEME.length))) continue;
    const dataStart = mark + MARK.length;
    const end = base64End(text, dataStart);
    covered += text.slice(at, mark - head.length + scheme);
    covered += dataLabel(mediaType === '' ? 'text/plain' : mediaType, text.slice(dataStart, end));
    at = end;
  }
  return at === 0 ? text : covered + text.slice(at);
}

function base64End(text: string, from: number): number {
  let end = from;
  while (end < text.length && isBase64Unit(text.charCodeAt(end))) end += 1;
  return end;
}

function isBase64Unit(unit: number): boolean {
  return isTokenUnit(unit) || unit === 0x2b || unit === 0x2f || unit === 0x3d;
}

/** Shorter ones may be words or ids. */
const BLOB_MIN = 256;
const BLOB = /^[A-Za-z0-9+/_\r\n-]+={0,2}\s*$/;

/** The label for a text that is nothing but base64, as APIs hold audio and images; else null. */
export function coverBlob(text: string): string | null {
  if (text.length < BLOB_MIN || !BLOB.test(text)) return null;
  const known = BEGINNINGS.find(([beginning]) => text.startsWith(beginning));
  return dataLabel(known?.[1] ?? 'application/octet-stream', text);
}

/** The first bytes of common formats, in base64. */
const BEGINNINGS: readonly (readonly [beginning: string, mediaType: string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['JVBERi0', 'application/pdf'],
  ['SUQz', 'audio/mpeg'],
  ['//uQ', 'audio/mpeg'],
  ['T2dnUw', 'audio/ogg'],
  ['ZkxhQw', 'audio/flac'],
];

function dataLabel(mediaType: string, base64: string): string {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return toDataLabel(mediaType, Math.floor((base64.length * 3) / 4) - padding);
}

/** What stands for bytes that are no text. */
export function toDataLabel(mediaType: string, sizeBytes: number): string {
  return `[DATA ${mediaType} ${sizeBytes} bytes]`;
}
