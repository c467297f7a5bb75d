import type { Config } from '../config/config.ts';
import type { Clock, RandomBytes } from '../core/clock.ts';
import type { Log } from '../observe/log.ts';
import { type Checkpointer, createCheckpointer } from '../store/checkpointer.ts';
import { type ContentStore, openContentStore } from '../store/content/content-store.ts';
import { openStore } from '../store/open-store.ts';
import { loadSigningKey } from '../store/signing-key-file.ts';
import type { Store } from '../store/store.ts';
import type { StoreLog } from '../store/store-event.ts';
import { type AuditCopies, startAuditCopies } from './audit-copies.ts';
import { type AuditKeeper, startAuditKeeper } from './audit-keeper.ts';

/** Everything that a running gateway writes down, and what carries it elsewhere. */
export interface Records {
  readonly store: Store;
  readonly content: ContentStore;
  /** A content key is configured, so that content can be kept at all. */
  readonly keepsContent: boolean;
  readonly copies: AuditCopies;
  readonly keeper: AuditKeeper;
  readonly checkpointer: Checkpointer;
  close(): Promise<void>;
}

interface RecordParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** Opens the data directory. Throws StoreError when it is in use or not to be trusted. */
export async function openRecords(parts: RecordParts): Promise<Records> {
  const { config, clock, log } = parts;
  const ofStore = log.for('store');
  const { dataDir, durability, audit } = config;
  const storeLog: StoreLog = ({ level, event, ...fields }) => ofStore[level](event, fields);
  const closers: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  const store = await openStore({ dataDir, clock, durability, log: storeLog });
  closers.push(() => store.close());
  try {
    const content = await openContentStore({
      ...{ dataDir, durability, clock, log: storeLog },
      contentKeys: audit.contentKeys,
      capBytes: audit.contentCapBytes,
      retentionMs: audit.contentRetentionMs,
      isHeld: store.legalHolds.isHeld,
    });
    closers.push(() => content.close());
    const copies = startAuditCopies(store, { ...parts, log: log.for('sinks') });
    closers.push(() => copies.close());
    const { installId } = store.audit;
    const key = loadSigningKey({ dataDir, installId, pem: audit.signingKey });
    const checkpointer = createCheckpointer({ audit: store.audit, clock, key });
    // Closed before the copies, which still carry what it says last.
    const keeper = startAuditKeeper({
      ...{ audit: store.audit, checkpointer, clock, log: log.for('audit') },
      checkpointIntervalMs: audit.checkpointIntervalMs,
    });
    closers.push(() => keeper.close());
    const keepsContent = audit.contentKeys.length > 0;
    return { store, content, keepsContent, copies, keeper, checkpointer, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}
