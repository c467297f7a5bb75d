import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { originOf } from '../audit/checkpoint-text.ts';
import { createSigningKey, type SigningKey } from '../audit/signed-note.ts';
import { StoreError } from './store-error.ts';

export interface SigningKeySource {
  readonly dataDir: string;
  readonly installId: string;
  /** PEM text from the configuration; null keeps a key of its own in the data directory. */
  readonly pem: string | null;
}

/**
 * The key that checkpoints are signed with, made on first use as `<data_dir>/audit-signing-key.pem`
 * when the configuration names none. Throws StoreError for a key that cannot be used.
 */
export function loadSigningKey({ dataDir, installId, pem }: SigningKeySource): SigningKey {
  const path = join(dataDir, 'audit-signing-key.pem');
  const [text, where] = pem === null ? [readOrMake(path), path] : [pem, 'audit.signing_key'];
  try {
    return parseSigningKeys(originOf(installId), text)[0];
  } catch (cause) {
    throw new StoreError(`${where} holds no Ed25519 private key in PEM form.`, { cause });
  }
}

/**
 * The public halves of the key that signs and of those that did before it, with blanks between;
 * null when there is none, or none that can be read. Makes none.
 */
export function findPublicKeys({ dataDir, installId, pem }: SigningKeySource): string | null {
  try {
    const text = pem ?? readFileSync(join(dataDir, 'audit-signing-key.pem'), 'utf8');
    const keys = parseSigningKeys(originOf(installId), text);
    return keys.map(({ verifier }) => verifier.text).join(' ');
  } catch {
    return null;
  }
}

/** The first key of a PEM signs; what was signed with one after it stays good. */
function parseSigningKeys(name: string, pem: string): [SigningKey, ...SigningKey[]] {
  const blocks = pem.match(/-----BEGIN [^-]+-----[\s\S]*?-----END [^-]+-----/g) ?? [];
  const [first, ...others] = [blocks[0] ?? pem, ...blocks.slice(1)].map((block) =>
    createSigningKey(name, createPrivateKey({ key: block, format: 'pem' })),
  );
  if (first === undefined) throw new Error('no key');
  return [first, ...others];
}

function readOrMake(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (!isMissing(cause)) throw new StoreError(`${path} cannot be read.`, { cause });
  }
  const { privateKey } = generateKeyPairSync('ed25519');
  const text = String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  writeNew(path, text);
  return text;
}

/** Renamed into place, so that a crash leaves no half of a key. */
function writeNew(path: string, text: string): void {
  try {
    const file = openSync(`${path}.new`, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new StoreError(`${path} cannot be written, so checkpoints cannot be signed.`, { cause });
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
