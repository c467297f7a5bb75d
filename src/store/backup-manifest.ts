import type { ChainHead, ChainHeads } from './audit-trail.ts';
import { getMeta, setMeta } from './meta.ts';
import type { Database } from './sqlite.ts';

/** What a backup says of itself, in its own `meta`, so that a pair of files can be checked. */
export interface BackupManifest {
  readonly installId: string;
  readonly schema: number;
  readonly madeAtMs: number;
  /** Version of llmgate that made it. */
  readonly llmgate: string;
  readonly heads: ChainHeads;
  /** The copy of the content database beside it; null when there was none. */
  readonly content: CopiedFile | null;
}

export interface CopiedFile {
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const NAME = 'backup';

export function writeManifest(db: Database, manifest: BackupManifest): void {
  setMeta(db, NAME, JSON.stringify(manifest));
}

/** Null for a copy that "llmgate backup" did not make. Throws an Error when it is unreadable. */
export function readManifest(db: Database): BackupManifest | null {
  const text = getMeta(db, NAME);
  if (text === undefined) return null;
  const manifest: unknown = JSON.parse(String(text));
  if (isManifest(manifest)) return manifest;
  throw new Error('the manifest of the backup is not of a known form');
}

/** Books in use are no backup. */
export function removeManifest(db: Database): void {
  db.prepare('DELETE FROM meta WHERE name = ?').run(NAME);
}

function isManifest(value: unknown): value is BackupManifest {
  if (!isRecord(value)) return false;
  const { installId, schema, madeAtMs, llmgate, heads, content } = value;
  return (
    typeof installId === 'string' &&
    typeof schema === 'number' &&
    typeof madeAtMs === 'number' &&
    typeof llmgate === 'string' &&
    isRecord(heads) &&
    isHead(heads['requests']) &&
    isHead(heads['admin_events']) &&
    (content === null || isCopiedFile(content))
  );
}

function isHead(value: unknown): value is ChainHead {
  return isRecord(value) && typeof value['seq'] === 'number' && typeof value['hash'] === 'string';
}

function isCopiedFile(value: unknown): value is CopiedFile {
  if (!isRecord(value)) return false;
  return typeof value['sizeBytes'] === 'number' && typeof value['sha256'] === 'string';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
