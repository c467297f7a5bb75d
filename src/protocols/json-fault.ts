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
      if (!NUMBER.test(latin1.decode(bytes.subarray(at, end)))) {
        return `a number is not well formed at byte ${at}`;
      }
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

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const NUMBER_BYTES = new Set(Buffer.from('0123456789+-.eE'));
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));
const HEX = /^[0-9a-fA-F]{4}$/;
const latin1 = new TextDecoder('latin1');
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
    else if (letter === 0x75 && HEX.test(latin1.decode(bytes.subarray(at + 2, at + 6)))) at += 6;
    else return -at;
  }
  return -at;
}

function endOfNumber(bytes: Uint8Array, start: number): number {
  let at = start;
  while (NUMBER_BYTES.has(bytes[at] ?? 0)) at += 1;
  return at;
}
