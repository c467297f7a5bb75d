import { readAdminHead } from './audit-events.ts';
import { CHAINS, type ChainHeads } from './audit-trail.ts';
import { type BackupManifest, readManifest } from './backup-manifest.ts';
import { openBooks } from './books.ts';
import { getMeta } from './meta.ts';
import { APPLICATION_ID, migrate, SCHEMA_VERSION, schemaVersionOf } from './migrations.ts';
import { checkPages } from './page-check.ts';
import { readRequestsHead } from './requests-head.ts';
import { refusedCopy } from './restore-copy.ts';
import { checkSqliteVersion, type Database, openSqlite } from './sqlite.ts';
import { verifyAudit } from './verify-audit.ts';

/** What a backup holds, as far as it was verified. */
export interface VerifiedCopy {
  readonly installId: string;
  /** That it was written with. */
  readonly schema: number;
  /** Null for a copy that "llmgate backup" did not make. */
  readonly manifest: BackupManifest | null;
  readonly heads: ChainHeads;
  readonly keys: number;
}

export interface VerifyCopyOrder {
  /** The copy in the data directory, which no other process has open. */
  readonly staged: string;
  /** What it is a copy of, for messages. */
  readonly file: string;
  /**
   * Public key that checkpoints of this installation are signed with, null for an unknown one.
   * Throws a StoreError for an installation that must not be restored here.
   */
  readonly ownKeyOf: (installId: string) => string | null;
  readonly threads: number;
}

/**
 * Reads everything: pages, sums against rows, both hash chains, the manifest. An older schema is
 * brought to this one first, so that nothing is restored that cannot be. Throws StoreError.
 */
export async function verifyCopy(order: VerifyCopyOrder): Promise<VerifiedCopy> {
  const { staged, file, threads } = order;
  const { ownKey, ...verified } = verifyBooks(order);
  const audit = await verifyAudit({
    ...{ databasePath: staged, notes: [], pinnedKey: null, ownKey, threads },
    sinceCheckpoint: false,
  });
  const [fault] = audit.faults;
  if (fault === undefined) return verified;
  throw refusedCopy(file, `does not hold what was written (${fault.place}: ${fault.message})`);
}

function verifyBooks(order: VerifyCopyOrder): VerifiedCopy & { readonly ownKey: string | null } {
  const { staged, file, ownKeyOf } = order;
  const db = openSqlite(staged, { busyTimeoutMs: 1_000, mustExist: true });
  try {
    checkSqliteVersion(String(db.prepare('SELECT sqlite_version()').pluck().get()));
    // One file, with nothing beside it that a rename would leave behind.
    db.pragma('journal_mode = DELETE');
    const schema = schemaVersionOf(db);
    const isOurs = Number(db.pragma('application_id', { simple: true })) === APPLICATION_ID;
    if (!isOurs || schema === 0) throw refusedCopy(file, 'is no backup of llmgate');
    const installId = getMeta(db, 'install_id');
    if (typeof installId !== 'string') throw refusedCopy(file, 'has lost its install id');
    const ownKey = ownKeyOf(installId);
    if (schema < SCHEMA_VERSION) migrateCopy(db, file);
    checkBooks(db, file);
    const heads = { requests: readRequestsHead(db), admin_events: readAdminHead(db) };
    const manifest = readManifestOf(db, file);
    if (manifest !== null) checkManifest(manifest, { installId, schema, heads }, file);
    const keys = Number(db.prepare('SELECT count(*) FROM keys').pluck().get());
    return { installId, schema, manifest, heads, keys, ownKey };
  } finally {
    db.close();
  }
}

function migrateCopy(db: Database, file: string): void {
  // Moving rows out of damaged pages would fail with whatever comes first.
  const [damage] = checkPages(db);
  if (damage !== undefined) throw refusedCopy(file, `is damaged (${damage})`);
  migrate(db, () => {});
}

function checkBooks(db: Database, file: string): void {
  const { problems } = openBooks(db).check();
  const [first] = problems;
  if (first === undefined) return;
  const more = problems.length === 1 ? '' : ` and ${problems.length - 1} more`;
  throw refusedCopy(file, `holds books that do not agree (${first.replace(/\.$/, '')}${more})`);
}

function readManifestOf(db: Database, file: string): BackupManifest | null {
  try {
    return readManifest(db);
  } catch {
    throw refusedCopy(file, 'has a manifest that cannot be read');
  }
}

function checkManifest(
  manifest: BackupManifest,
  found: Pick<BackupManifest, 'installId' | 'schema' | 'heads'>,
  file: string,
): void {
  const isSame =
    manifest.installId === found.installId &&
    manifest.schema === found.schema &&
    CHAINS.every((chain) => {
      const [was, is] = [manifest.heads[chain], found.heads[chain]];
      return was.seq === is.seq && was.hash === is.hash;
    });
  if (!isSame) throw refusedCopy(file, 'is not as it was made: its manifest says otherwise');
}
