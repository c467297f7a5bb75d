import type { RandomBytes } from '../core/clock.ts';
import { randomBase62, toBase62 } from '../core/ids.ts';

/**
 * A key as its owner holds it: `sk-lg-<12 public id>-<32 secret><6 checksum>`, all base62. The
 * checksum is the CRC-32 of everything before it, so a typo is refused before any look-up and
 * scanners can tell a real key from a look-alike.
 */
const PREFIX = 'sk-lg-';
const ID_LENGTH = 12;
const SECRET_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
const ID_END = PREFIX.length + ID_LENGTH;
const SECRET_END = ID_END + 1 + SECRET_LENGTH;
const KEY_LENGTH = SECRET_END + CHECKSUM_LENGTH;

/** The two halves of a key: the public name of it and what proves its possession. */
export interface KeyParts {
  readonly id: string;
  readonly secret: string;
}

/** The parts of a well-formed key, or undefined. Says nothing about whether the key exists. */
export function parseKeyText(text: string): KeyParts | undefined {
  if (text.length !== KEY_LENGTH || !text.startsWith(PREFIX) || text[ID_END] !== '-') {
    return undefined;
  }
  for (let at = PREFIX.length; at < KEY_LENGTH; at += 1) {
    if (at !== ID_END && !isBase62(text.charCodeAt(at))) return undefined;
  }
  if (checksum(text.slice(0, SECRET_END)) !== text.slice(SECRET_END)) return undefined;
  return { id: text.slice(PREFIX.length, ID_END), secret: text.slice(ID_END + 1, SECRET_END) };
}

/** A fresh key. `text` is shown once and kept nowhere. */
export function createKeyText(random: RandomBytes): KeyParts & { readonly text: string } {
  const id = randomBase62(ID_LENGTH, random);
  const secret = createSecret(random);
  return { id, secret, text: renderKeyText(id, secret) };
}

/** A fresh secret for a key that keeps its id, as rotation needs it. */
export function createSecret(random: RandomBytes): string {
  return randomBase62(SECRET_LENGTH, random);
}

/** The text of a key from its parts. */
export function renderKeyText(id: string, secret: string): string {
  const body = `${PREFIX}${id}-${secret}`;
  return body + checksum(body);
}

/** SHA-256 of a secret: the only form of it that is kept. 190 random bits need no salt. */
export function digestSecret(secret: string): Uint8Array {
  const digest = new Uint8Array(Bun.SHA256.byteLength);
  Bun.SHA256.hash(secret, digest);
  return digest;
}

function checksum(text: string): string {
  return toBase62(Bun.hash.crc32(text), CHECKSUM_LENGTH);
}

function isBase62(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}
