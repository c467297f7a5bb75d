import { copyFileSync, readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hashPurgedRanges } from '../../src/audit/purged-range.ts';
import { openAuditTrail, readPurgedRanges } from '../../src/store/audit-events.ts';
import { type Database, openSqlite } from '../../src/store/sqlite.ts';
import { type VerifyOrder, verifyAudit } from '../../src/store/verify-audit.ts';
import { type AuditLab, forgeChain, openAuditLab } from '../support/audit-lab.ts';
import { someSigningKey } from '../support/some-signing-key.ts';

const REQUESTS = 40;
const EVENTS = 12;
const CLEAN = { ok: true, faults: [] };

function openFilledLab(): AuditLab {
  const lab = openAuditLab();
  onTestFinished(() => lab.close());
  lab.addRequests(REQUESTS);
  lab.addEvents(EVENTS);
  return lab;
}

function found(place: string, kind: string, seq: number | null, toSeq: number | null = null) {
  return { ok: false, faults: [expect.objectContaining({ place, kind, seq, toSeq })] };
}

type Tampering = string | ((db: Database) => void);

/** Verifies a copy of the books that somebody was at. */
function verifyTampered(lab: AuditLab, how: Tampering, order: Partial<VerifyOrder> = {}) {
  lab.db.pragma('wal_checkpoint(TRUNCATE)');
  const copy = `${lab.dataDir}/copy.db`;
  copyFileSync(lab.path, copy);
  const db = openSqlite(copy, { busyTimeoutMs: 0, mustExist: true });
  if (typeof how === 'string') db.exec(how);
  else how(db);
  db.close();
  return lab.verify({ ...order, databasePath: copy });
}

const ON_THREADS = {
  notes: [],
  pinnedKey: null,
  ownKey: null,
  sinceCheckpoint: false,
  threads: 2,
};

describe('books that nobody touched', () => {
  test('verify, and it is said what could not be known', async () => {
    const verified = await openFilledLab().verify();
    expect(verified).toMatchObject(CLEAN);
    expect(verified.chains.requests).toMatchObject({ rows: REQUESTS, purgedRows: 0, afterSeq: 0 });
    expect(verified.chains.admin_events.rows).toBe(EVENTS);
    expect(verified.unknowns).toEqual([
      expect.stringContaining('There is no checkpoint'),
      expect.stringContaining('6 rows name captured prompts and answers'),
    ]);
  });

  test('verify when empty', async () => {
    const lab = openAuditLab();
    onTestFinished(() => lab.close());
    expect(await lab.verify()).toMatchObject(CLEAN);
  });

  test('verify on threads of their own, over more rows than one is given at once', async () => {
    const lab = openFilledLab();
    lab.addRequests(51_000);
    const order = { ...ON_THREADS, databasePath: lab.path };
    const rows = REQUESTS + 51_000;
    expect(await verifyAudit(order)).toMatchObject({ ...CLEAN, chains: { requests: { rows } } });

    lab.db.exec('UPDATE requests SET gpu_us = gpu_us + 1 WHERE seq IN (49999, 50001)');
    expect(await verifyAudit(order)).toMatchObject(found('requests', 'changed', 49_999));
    lab.db.exec('UPDATE requests SET gpu_us = gpu_us - 1 WHERE seq = 49999');
    expect(await verifyAudit(order)).toMatchObject(found('requests', 'changed', 50_001));
  });

  test('are not changed by being verified', async () => {
    const lab = openFilledLab();
    lab.db.pragma('wal_checkpoint(TRUNCATE)');
    const before = readFileSync(lab.path);
    await lab.verify();
    expect(readFileSync(lab.path).equals(before)).toBe(true);
  });

  test('a file that is no database is an error, not a finding', async () => {
    const databasePath = `${openFilledLab().dataDir}/install-id`;
    await expect(verifyAudit({ ...ON_THREADS, databasePath })).rejects.toThrow(/not a database/);
  });
});

interface Column {
  readonly name: string;
  readonly type: string;
}

/** A statement that gives one column another value, whatever its type. */
function changeOf({ name, type }: Column): string {
  if (type === 'INTEGER') return `"${name}" = coalesce("${name}", 0) + 1`;
  if (type === 'TEXT') return `"${name}" = coalesce("${name}", '') || ' '`;
  return `"${name}" = randomblob(length(coalesce("${name}", zeroblob(32))))`;
}

describe('one value of one row', () => {
  for (const chain of ['requests', 'admin_events'] as const) {
    test(`of ${chain}, whichever column it is in, names the row`, async () => {
      const lab = openFilledLab();
      const columns = lab.db
        .prepare<[], Column>(`SELECT name, type FROM pragma_table_info('${chain}')`)
        .all()
        .filter(({ name }) => name !== 'seq');
      expect(columns.length).toBeGreaterThan(7);
      for (const column of columns) {
        const change = `UPDATE ${chain} SET ${changeOf(column)} WHERE seq = 8`;
        const kind = column.name === 'hash' ? 'hash_changed' : 'changed';
        const verified = await verifyTampered(lab, change);
        expect(verified, column.name).toMatchObject(found(chain, kind, 8));
      }
    });
  }

  test('is reported with the id of the request', async () => {
    const lab = openFilledLab();
    const { faults } = await verifyTampered(
      lab,
      'UPDATE requests SET cost_nano_usd = 0 WHERE seq = 9',
    );
    const id = lab.db.prepare('SELECT lower(hex(id)) FROM requests WHERE seq = 9').pluck().get();
    expect(faults[0]?.message.replaceAll('-', '')).toContain(String(id));
  });
});

const SWAP = (table: string, a: number, b: number) =>
  `UPDATE ${table} SET seq = -1 WHERE seq = ${a}; UPDATE ${table} SET seq = ${a} WHERE seq = ${b};
   UPDATE ${table} SET seq = ${b} WHERE seq = -1`;

const TAMPERINGS: readonly (readonly [what: string, how: Tampering, found: object])[] = [
  ['a row deleted', 'DELETE FROM requests WHERE seq = 17', found('requests', 'missing', 17, 17)],
  [
    'rows deleted in two places',
    'DELETE FROM requests WHERE seq IN (11, 12, 13, 30)',
    found('requests', 'missing', 11, 13),
  ],
  [
    'the first rows deleted',
    'DELETE FROM requests WHERE seq < 4',
    found('requests', 'missing', 1, 3),
  ],
  [
    'an event deleted',
    'DELETE FROM admin_events WHERE seq = 5',
    found('admin_events', 'missing', 5, 5),
  ],
  ['two rows swapped', SWAP('requests', 6, 22), found('requests', 'reordered', 6)],
  ['neighbours swapped', SWAP('requests', 8, 9), found('requests', 'reordered', 8)],
  ['two events swapped', SWAP('admin_events', 3, 9), found('admin_events', 'reordered', 3)],
  [
    'a row renumbered into a gap that it leaves',
    'DELETE FROM requests WHERE seq = 20; UPDATE requests SET seq = 20 WHERE seq = 40',
    found('requests', 'changed', 20),
  ],
  [
    'a row added before the first',
    'INSERT INTO admin_events SELECT 0, at_ms, actor, origin, action, target, "before", "after", hash FROM admin_events WHERE seq = 1',
    found('admin_events', 'extra', 0),
  ],
  [
    'an attempt changed',
    'UPDATE attempts SET status = 200 WHERE request_seq = 14 AND attempt = 1',
    found('requests', 'changed', 14),
  ],
  [
    'an attempt deleted',
    'DELETE FROM attempts WHERE request_seq = 14 AND attempt = 2',
    found('requests', 'changed', 14),
  ],
  [
    'an attempt added',
    'INSERT INTO attempts SELECT 15, attempt, backend, started_at_ms, duration_us, code, status FROM attempts WHERE request_seq = 14',
    found('requests', 'changed', 15),
  ],
  [
    'the name of a backend that only attempts have',
    "UPDATE names SET name = 'healthy' WHERE name = 'flaky'",
    found('requests', 'changed', 7),
  ],
  [
    'a rate of a price',
    `UPDATE prices SET price = json_set(price, '$.output', 1)`,
    found('requests', 'changed', 1),
  ],
  ['a price removed', 'DELETE FROM prices', found('requests', 'changed', 1)],
  [
    'words of a dimension, and what they stand for too',
    `INSERT INTO names (name) VALUES ('mallory');
     UPDATE dimensions SET team = (SELECT id FROM names WHERE name = 'mallory'),
       words = json_set(words, '$[2]', 'mallory')
     WHERE id = (SELECT dimension FROM requests WHERE seq = 4)`,
    found('requests', 'changed', 4),
  ],
  [
    'a dimension removed',
    'DELETE FROM dimensions WHERE id = (SELECT dimension FROM requests WHERE seq = 6)',
    found('requests', 'changed', 6),
  ],
  [
    'words of an ending',
    `UPDATE endings SET words = replace(words, 'refused', 'served'),
       outcome = (SELECT id FROM names WHERE name = 'served')`,
    found('requests', 'changed', 5),
  ],
  [
    'a name that reports show',
    "UPDATE names SET name = 'mallory' WHERE name = 'K00000000002'",
    found('dictionaries', 'changed', 2),
  ],
  [
    'the user that a dimension stands for',
    'UPDATE dimensions SET user = 0 WHERE id = (SELECT dimension FROM requests WHERE seq = 2)',
    found('dictionaries', 'changed', 2),
  ],
  [
    'a tag that reports show',
    `UPDATE tag_sets SET tags = '{"env":"prod","project":"other"}'`,
    found('dictionaries', 'changed', 1),
  ],
  [
    'the status that an ending stands for',
    'UPDATE endings SET status = 200 WHERE status = 429',
    found('dictionaries', 'changed', 5),
  ],
];

describe('tampering', () => {
  test.each(TAMPERINGS)('%s', async (_, how, expected) => {
    expect(await verifyTampered(openFilledLab(), how)).toMatchObject(expected);
  });

  test('in both chains is named in both', async () => {
    const { faults } = await verifyTampered(
      openFilledLab(),
      'DELETE FROM requests WHERE seq = 3; UPDATE admin_events SET actor = actor || 1 WHERE seq = 4',
    );
    expect(faults.map(({ place, seq }) => [place, seq])).toEqual([
      ['requests', 3],
      ['admin_events', 4],
    ]);
  });
});

/** With every trace of the checkpoints after row 30 removed. */
const CUT = 'DELETE FROM requests WHERE seq > 30; DELETE FROM checkpoints WHERE requests_seq > 30';

describe('with checkpoints', () => {
  test('rows cut off at the end are missed without one, and it is said so', async () => {
    const { ok, unknowns } = await verifyTampered(openFilledLab(), CUT);
    expect(ok).toBe(true);
    expect(unknowns[0]).toContain('cut off at the end');
  });

  test('rows cut off are named by one in the same file', async () => {
    const lab = openFilledLab();
    lab.checkpoint();
    const verified = await verifyTampered(lab, 'DELETE FROM requests WHERE seq > 30');
    expect(verified).toMatchObject(found('requests', 'cut_off', 31, 40));
  });

  test('rows cut off with the checkpoints are named by one kept elsewhere', async () => {
    const lab = openFilledLab();
    const { note } = lab.checkpoint();
    expect(await verifyTampered(lab, CUT)).toMatchObject(CLEAN);
    const verified = await verifyTampered(lab, CUT, { notes: [note] });
    expect(verified).toMatchObject(found('requests', 'cut_off', 31, 40));
  });

  test('a chain written anew is found between the checkpoints around it', async () => {
    const lab = openFilledLab();
    lab.checkpoint();
    lab.addRequests(10);
    const { note } = lab.checkpoint();
    lab.addRequests(5);
    const forge = (db: Database) => {
      db.exec('UPDATE requests SET cost_nano_usd = 1 WHERE seq = 45');
      forgeChain(db, 45);
    };
    const kept = await verifyTampered(lab, forge, { notes: [note] });
    expect(kept).toMatchObject(found('requests', 'rewritten', 41, 50));
    const broken = 'UPDATE requests SET hash = zeroblob(32) WHERE seq = 50';
    expect(await verifyTampered(lab, broken)).toMatchObject(found('requests', 'hash_changed', 50));
    const forgeAll = (db: Database) => {
      forge(db);
      db.exec('DELETE FROM checkpoints WHERE requests_seq > 44');
    };
    expect(await verifyTampered(lab, forgeAll)).toMatchObject(CLEAN);
    const unknown = (await verifyTampered(lab, forgeAll)).unknowns;
    expect(unknown[0]).toContain('No checkpoint kept elsewhere was given');
  });

  test('events written anew are found too', async () => {
    const lab = openFilledLab();
    const { note } = lab.checkpoint();
    const rewrite = (db: Database) => {
      db.exec('DELETE FROM admin_events WHERE seq > 4; DELETE FROM checkpoints');
      const audit = openAuditTrail(db);
      for (let seq = 5; seq <= EVENTS; seq += 1) audit.record({ ...anyEvent, atMs: seq });
    };
    expect(await verifyTampered(lab, rewrite)).toMatchObject(CLEAN);
    const kept = await verifyTampered(lab, rewrite, { notes: [note] });
    expect(kept).toMatchObject(found('admin_events', 'rewritten', 1, EVENTS));
  });

  const FORGERIES: readonly (readonly [what: string, how: string])[] = [
    ['its hash in a column', 'UPDATE checkpoints SET requests_hash = randomblob(32)'],
    ['its row in a column', 'UPDATE checkpoints SET admin_seq = admin_seq - 1'],
    ['its time in a column', 'UPDATE checkpoints SET at_ms = at_ms + 1'],
    [
      'the text that was signed',
      `UPDATE checkpoints SET note = replace(note, 'requests 40', 'requests 41')`,
    ],
    [
      'its signature',
      `UPDATE checkpoints SET note = substr(note, 1, length(note) - 20) || 'AAAA' || substr(note, -16)`,
    ],
    ['all of it', `UPDATE checkpoints SET note = 'signed, really'`],
  ];
  test.each(FORGERIES)('a stored checkpoint with %s changed', async (_, how) => {
    const lab = openFilledLab();
    lab.checkpoint();
    expect(await verifyTampered(lab, how)).toMatchObject(found('checkpoints', 'forged', null));
  });

  test('one signed by a stranger is known by the pinned key alone', async () => {
    const lab = openFilledLab();
    const stranger = someSigningKey(lab.audit.installId);
    const { note } = lab.checkpoint(stranger);
    const unpinned = await lab.verify({ notes: [note] });
    expect(unpinned.ok).toBe(true);
    expect(unpinned.unknowns.join()).toContain('--public-key');
    const forged = { ok: false, faults: [{ place: 'checkpoints', kind: 'forged' }] };
    for (const key of [{ pinnedKey: lab.key.verifier.text }, { ownKey: lab.key.verifier.text }]) {
      expect(await lab.verify({ notes: [note], ...key })).toMatchObject(forged);
    }
    const pinned = await lab.verify({ notes: [note], pinnedKey: stranger.verifier.text });
    expect(pinned).toMatchObject({ ok: true, givenCheckpoints: 1, storedCheckpoints: 1 });
    expect(pinned.unknowns.join()).not.toContain('--public-key');
  });

  test('one of other books is refused', async () => {
    const { note } = openFilledLab().checkpoint();
    const { faults } = await openFilledLab().verify({ notes: [note] });
    expect(faults[0]).toMatchObject({ place: 'checkpoints', kind: 'forged' });
    expect(faults[0]?.message).toContain('of other books');
  });

  test('rows after the newest one are said to be uncovered', async () => {
    const lab = openFilledLab();
    lab.checkpoint();
    lab.addRequests(3);
    const { unknowns } = await lab.verify();
    expect(unknowns.join('\n')).toContain('The last 3 rows are younger than the newest checkpoint');
  });

  test('only what came after the newest one is read when asked so', async () => {
    const lab = openFilledLab();
    lab.checkpoint();
    lab.addRequests(5);
    const order = { sinceCheckpoint: true };
    const verified = await lab.verify(order);
    expect(verified).toMatchObject({ ...CLEAN, chains: { requests: { rows: 5, afterSeq: 40 } } });
    expect(verified.unknowns.join('\n')).toContain('52 rows up to the checkpoint were not read');
    const late = await verifyTampered(lab, 'UPDATE requests SET gpu_us = 1 WHERE seq = 41', order);
    expect(late).toMatchObject(found('requests', 'changed', 41));
  });
});

const anyEvent = {
  actor: 'eve',
  origin: 'offline',
  action: 'key.create',
  target: '',
  before: null,
  after: null,
};

describe('purged rows', () => {
  test('are linked over', async () => {
    const lab = openFilledLab();
    lab.purge('requests', 1, 10);
    lab.purge('requests', 11, 12);
    lab.purge('admin_events', 1, 3);
    const verified = await lab.verify();
    expect(verified).toMatchObject({
      ...CLEAN,
      chains: {
        requests: { rows: 28, purgedRows: 12 },
        admin_events: { rows: 15, purgedRows: 3 },
      },
    });
    expect(verified.unknowns.join('\n')).toContain('15 rows had been purged');
  });

  test('are linked over when none is left, and the chain goes on', async () => {
    const lab = openFilledLab();
    lab.purge('requests', 1, REQUESTS);
    expect(await lab.verify()).toMatchObject({ ...CLEAN, chains: { requests: { rows: 0 } } });
    lab.addRequests(2);
    expect(lab.audit.heads().requests.seq).toBe(REQUESTS + 2);
    expect(await lab.verify()).toMatchObject({ ...CLEAN, chains: { requests: { rows: 2 } } });
  });

  test('may lie before a checkpoint, which then proves less', async () => {
    const lab = openFilledLab();
    lab.checkpoint();
    lab.addRequests(5);
    lab.purge('requests', 1, 42);
    const verified = await lab.verify();
    expect(verified).toMatchObject(CLEAN);
    expect(verified.unknowns.join('\n')).toContain('could not be compared');
  });

  const DECLARE = (chain: string, from: number, to: number) =>
    `INSERT INTO purged_ranges SELECT '${chain}', ${from}, ${to},
       coalesce((SELECT hash FROM ${chain} WHERE seq = ${from - 1}),
         (SELECT last_hash FROM purged_ranges WHERE to_seq = ${from - 1}), zeroblob(32)),
       (SELECT hash FROM ${chain} WHERE seq = ${to}), ${to - from + 1}, '{}';`;
  const DELETE = (chain: string, from: number, to: number) =>
    `${DECLARE(chain, from, to)} DELETE FROM ${chain} WHERE seq BETWEEN ${from} AND ${to};`;

  const CASES: readonly (readonly [what: string, how: string, found: object])[] = [
    [
      'rows purged without a word',
      DELETE('requests', 20, 22),
      found('purged_ranges', 'unreceipted', null),
    ],
    [
      'more purged than the receipt covers',
      'UPDATE purged_ranges SET to_seq = 6, last_hash = (SELECT hash FROM requests WHERE seq = 6); DELETE FROM requests WHERE seq = 6',
      found('purged_ranges', 'unreceipted', null),
    ],
    [
      'sums of purged rows changed',
      `UPDATE purged_ranges SET sums = '{"cost_nano_usd":"0"}'`,
      found('purged_ranges', 'unreceipted', null),
    ],
    [
      'a purged range forgotten',
      'DELETE FROM purged_ranges',
      {
        ok: false,
        faults: [
          expect.objectContaining({ place: 'purged_ranges' }),
          expect.objectContaining({ place: 'requests', kind: 'missing', seq: 1, toSeq: 5 }),
        ],
      },
    ],
    [
      'both receipts deleted',
      'DELETE FROM admin_events WHERE seq > 12',
      found('purged_ranges', 'unreceipted', 1, 5),
    ],
  ];
  test.each(CASES)('%s', async (_, how, expected) => {
    const lab = openFilledLab();
    lab.purge('requests', 1, 5);
    expect(await verifyTampered(lab, how)).toMatchObject(expected);
  });

  test('that do not follow from what lies before them are named', async () => {
    const lab = openFilledLab();
    lab.purge('requests', 1, 5);
    lab.purge('requests', 8, 9);
    const relinked = await verifyTampered(
      lab,
      'UPDATE purged_ranges SET before_hash = randomblob(32) WHERE from_seq = 8',
    );
    const unlinked = expect.objectContaining({ kind: 'unlinked', seq: 8, toSeq: 9 });
    expect(relinked.faults).toContainEqual(unlinked);
    const back = await verifyTampered(lab, 'UPDATE requests SET seq = 9 WHERE seq = 40');
    expect(back.faults).toContainEqual(expect.objectContaining({ kind: 'extra', seq: 9 }));
  });

  test('of a purge that is under way are what its start declared', async () => {
    const lab = openFilledLab();
    lab.purge('requests', 1, 5);
    lab.db.exec(DECLARE('requests', 6, 20));
    const ranges_sha256 = hashPurgedRanges(readPurgedRanges(lab.db));
    const after = { chain: 'requests', from_seq: 6, to_seq: 20, ranges_sha256 };
    lab.audit.record({ ...anyEvent, atMs: 1, action: 'purge.start', after });
    expect(await lab.verify()).toMatchObject(CLEAN);
    for (const fromSeq of [20, 13, 6]) {
      lab.db.exec(`DELETE FROM requests WHERE seq BETWEEN ${fromSeq} AND 20`);
      expect(await lab.verify()).toMatchObject(CLEAN);
    }
    const tooMuch = await verifyTampered(lab, DELETE('requests', 21, 21));
    expect(tooMuch).toMatchObject(found('purged_ranges', 'unreceipted', null));
  });
});
