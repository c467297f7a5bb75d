/**
 * Says where a body that passed the scan is still not JSON. Only runs on refusals, and a second
 * walk there is what keeps the walk of every good request short.
 */
export function findJsonFault(bytes: Uint8Array): string {
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x22) {
      const end = endOfString(bytes, at);
      if (end < 0) return `a string has a raw control character or a bad escape at byte ${-end}`;
      at = end;
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      const end = endOfNumber(bytes, at);
      if (end === at) return `a number is not well formed at byte ${at}`;
      at = end;
    } else at += 1;
  }
  return 'its structure is broken';
}

/** The first byte that is not part of a UTF-8 character. */
export function findUtf8Fault(bytes: Uint8Array): number {
  // Replacement characters take the place of what is wrong, so the copies part there.
  const repaired = new TextEncoder().encode(lenient.decode(bytes));
  let at = 0;
  while (at < bytes.length && bytes[at] === repaired[at]) at += 1;
  return at;
}

const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** The index after the closing quote, or minus the index of what is wrong. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x22) return at + 1;
    if (byte < 0x20) return -at;
    if (byte !== 0x5c) {
      at += 1;
      continue;
    }
    const letter = bytes[at + 1] ?? 0;
    if (ESCAPES.has(letter)) at += 2;
    else if (letter === 0x75 && areHex(bytes, at + 2, at + 6)) at += 6;
    else return -at;
  }
  return -at;
}

/** The index after a number (RFC 8259 §6), or `start` when there is none or more is attached. */
function endOfNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === 0x2d ? start + 1 : start;
  const whole = at;
  at = endOfDigits(bytes, at);
  if (at === whole || (bytes[whole] === 0x30 && at > whole + 1)) return start;
  if (bytes[at] === 0x2e) {
    const fraction = at + 1;
    at = endOfDigits(bytes, fraction);
    if (at === fraction) return start;
  }
  if (((bytes[at] ?? 0) | 0x20) === 0x65) {
    const sign = bytes[at + 1];
    const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1;
    at = endOfDigits(bytes, exponent);
    if (at === exponent) return start;
  }
  return NUMBER_BYTES.has(bytes[at] ?? 0) ? start : at;
}

const NUMBER_BYTES = new Set(Buffer.from('0123456789+-.eE'));

function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined || byte < 0x30 || byte > 0x39) return at;
    at += 1;
  }
}

function areHex(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    const letter = byte | 0x20;
    if (!(byte >= 0x30 && byte <= 0x39) && !(letter >= 0x61 && letter <= 0x66)) return false;
  }
  return true;
}
