import {
  createHash,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';

// Signed notes as https://c2sp.org/signed-note describes them: a text, an empty line, and a line
// `— <name> <base64 of key id and signature>`. Tools made for transparency logs read them.

/** The signature type of Ed25519. */
const ED25519 = 0x01;
const PUBLIC_KEY_BYTES = 32;
const KEY_ID_BYTES = 4;

/** A note is a few hundred bytes; what is larger is something else. */
const NOTE_MAX_CHARS = 64 * 1024;
const SIGNATURES_MAX = 16;

/** Who signed: a name without spaces and plus signs, and an Ed25519 public key. */
export interface VerifierKey {
  readonly name: string;
  readonly publicKey: KeyObject;
  /** `name+hex key id+base64`, the form in which it is pinned and passed on. */
  readonly text: string;
  readonly keyId: Uint8Array;
}

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly verifier: VerifierKey;
}

/** Throws when the key is no Ed25519 key or the name cannot be used. */
export function createSigningKey(name: string, privateKey: KeyObject): SigningKey {
  return { privateKey, verifier: createVerifierKey(name, createPublicKey(privateKey)) };
}

export function createVerifierKey(name: string, publicKey: KeyObject): VerifierKey {
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new Error('the key is no Ed25519 key');
  if (name === '' || /[\s+]/u.test(name)) throw new Error(`"${name}" cannot name a key`);
  const { x } = publicKey.export({ format: 'jwk' });
  const bytes = Buffer.from(x ?? '', 'base64url');
  const typed = Buffer.concat([Buffer.of(ED25519), bytes]);
  const keyId = createHash('sha256').update(`${name}\n`).update(typed).digest();
  const id = keyId.subarray(0, KEY_ID_BYTES);
  const text = `${name}+${id.toString('hex')}+${typed.toString('base64')}`;
  return { name, publicKey, text, keyId: new Uint8Array(id) };
}

/** Reads `name+id+base64`. Throws an Error that says what is wrong with it. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, base64] = /^([^\s+]+)\+([\da-f]{8})\+([\w+/=]+)$/.exec(text.trim()) ?? [];
  if (name === undefined || base64 === undefined) {
    throw new Error('a public key looks like llmgate/<install id>+<8 hex digits>+<base64>');
  }
  const typed = Buffer.from(base64, 'base64');
  if (typed[0] !== ED25519 || typed.length !== 1 + PUBLIC_KEY_BYTES) {
    throw new Error('the public key is no Ed25519 key');
  }
  const x = typed.subarray(1).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const key = createVerifierKey(name, publicKey);
  if (Buffer.from(key.keyId).toString('hex') !== id) {
    throw new Error('the public key does not fit its own key id: a character was changed');
  }
  return key;
}

/** Reads one or several, with blanks between. Throws as `parseVerifierKey`. */
export function parseVerifierKeys(text: string): VerifierKey[] {
  return text.trim().split(/\s+/u).map(parseVerifierKey);
}

/** The whole note. `text` ends with a newline and holds no empty line. */
export function signNote(text: string, key: SigningKey): string {
  if (!text.endsWith('\n') || text.includes('\n\n')) throw new Error('not a text of a note');
  const signature = signBytes(null, Buffer.from(text, 'utf8'), key.privateKey);
  const signed = Buffer.concat([key.verifier.keyId, signature]).toString('base64');
  return `${text}\n— ${key.verifier.name} ${signed}\n`;
}

/** The notes of a file to which one after another was added. */
export function findNotes(text: string): string[] {
  return text.match(/(?:(?!— ).+\n)+\n(?:— .+\n)+/g) ?? [];
}

export interface SplitNote {
  /** What the signatures cover, with its last newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** The parts of a note, unverified; undefined when it is none. */
export function splitNote(note: string): SplitNote | undefined {
  if (note.length > NOTE_MAX_CHARS || !note.endsWith('\n')) return undefined;
  const end = note.lastIndexOf('\n\n');
  if (end < 0) return undefined;
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, base64] = /^— (\S+) ([\w+/=]+)$/u.exec(line) ?? [];
    if (name === undefined || base64 === undefined) return undefined;
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length <= KEY_ID_BYTES) return undefined;
    signatures.push({
      name,
      keyId: new Uint8Array(bytes.subarray(0, KEY_ID_BYTES)),
      signature: new Uint8Array(bytes.subarray(KEY_ID_BYTES)),
    });
  }
  return { text: note.slice(0, end + 1), signatures };
}

/**
 * `valid` when this key signed the text; `forged` when a line names the key and its signature does
 * not fit; `unsigned` when no line names it.
 */
export function checkSignature(note: SplitNote, key: VerifierKey): 'valid' | 'forged' | 'unsigned' {
  const named = note.signatures.filter(
    ({ name, keyId }) => name === key.name && Buffer.compare(keyId, key.keyId) === 0,
  );
  if (named.length === 0) return 'unsigned';
  const bytes = Buffer.from(note.text, 'utf8');
  const isValid = named.every(({ signature }) =>
    verifyBytes(null, bytes, key.publicKey, signature),
  );
  return isValid ? 'valid' : 'forged';
}
