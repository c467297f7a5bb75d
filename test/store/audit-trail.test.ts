import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseVerifierKey } from '../../src/audit/signed-note.ts';
import { createCheckpointer } from '../../src/store/checkpointer.ts';
import { findPublicKeys, loadSigningKey } from '../../src/store/signing-key-file.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { openAuditLab } from '../support/audit-lab.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';

const EVENT = {
  atMs: 1_763_600_000_000,
  actor: 'alice@gpu-box',
  origin: 'offline',
  action: 'key.update',
  target: 'K00000000001',
  before: { status: 'active' },
  after: { status: 'suspended' },
};

function openLab() {
  const lab = openAuditLab();
  onTestFinished(() => lab.close());
  return lab;
}

describe('an event', () => {
  test('is appended to the chain', () => {
    const { audit } = openLab();
    expect(audit.heads()).toEqual({
      requests: { seq: 0, hash: '0'.repeat(64) },
      admin_events: { seq: 0, hash: '0'.repeat(64) },
    });
    const first = audit.record(EVENT);
    expect(first).toEqual({ ...EVENT, seq: 1, hash: expect.stringMatching(/^[\da-f]{64}$/) });
    const second = audit.record({ ...EVENT, before: null });
    expect(audit.heads().admin_events).toEqual({ seq: 2, hash: second.hash });
    expect(second.hash).not.toBe(first.hash);
  });

  test('is written with the change it tells of, or neither is', async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    const failing = () =>
      store.transact(() => {
        store.audit.record(EVENT);
        throw new Error('the change failed');
      });
    expect(failing).toThrow('the change failed');
    expect(store.audit.heads().admin_events.seq).toBe(0);
    store.transact(() => store.audit.record(EVENT));
    expect(store.audit.heads().admin_events.seq).toBe(1);
  });

  test('follows what another connection appended', async () => {
    const lab = openLab();
    lab.audit.record(EVENT);
    const { openAuditTrail } = await import('../../src/store/audit-events.ts');
    const other = openSqlite(lab.path, { busyTimeoutMs: 100, mustExist: true });
    onTestFinished(() => void other.close());
    openAuditTrail(other).record(EVENT);
    expect(lab.audit.record(EVENT).seq).toBe(3);
    expect(await lab.verify()).toMatchObject({ ok: true });
  });

  test('verifies whatever was in it', async () => {
    const lab = openLab();
    const odd = ['a\nb', '\ud800', 'é"\\', '\u0000\u001f\u007f\u2028', 'x'.repeat(10_000), ''];
    for (const text of odd) {
      lab.audit.record({ ...EVENT, actor: text, target: text, after: { [text]: text } });
    }
    expect(await lab.verify()).toMatchObject({ ok: true });
  });

  test('loses its secrets before it is written', () => {
    const lab = openLab();
    lab.audit.record({
      ...EVENT,
      actor: 'sk-proj-Ab3dEf6hIj9k',
      after: { api_key: 'canary', note: 'Bearer canary', digest: new Uint8Array([1]) },
    });
    lab.db.pragma('wal_checkpoint(TRUNCATE)');
    expect(readFileSync(lab.path).toString('latin1')).not.toMatch(/canary|sk-proj-Ab3dEf6hIj9k/);
  });

  test('that cannot be written is store_unavailable', () => {
    const lab = openLab();
    lab.db.pragma('query_only = ON');
    expect(() => lab.audit.record(EVENT)).toThrow(
      expect.objectContaining({ code: 'store_unavailable' }),
    );
    expect(() => lab.checkpoint()).toThrow(expect.objectContaining({ code: 'store_unavailable' }));
  });
});

describe('checkpoints', () => {
  test('are taken when something happened, and never twice in a millisecond', () => {
    const { audit, clock, key } = openLab();
    const checkpointer = createCheckpointer({ audit, clock, key });
    expect(audit.lastCheckpoint()).toBeNull();
    const first = checkpointer.takeIfChanged();
    expect(first?.atMs).toBe(clock.nowMs());
    expect(checkpointer.takeIfChanged()).toBeNull();
    audit.record(EVENT);
    const second = checkpointer.takeIfChanged();
    expect(second).toMatchObject({ atMs: clock.nowMs() + 1, heads: audit.heads() });
    expect(audit.lastCheckpoint()).toEqual(second);
    clock.setWall(clock.nowMs() - 3_600_000);
    audit.record(EVENT);
    expect(checkpointer.takeIfChanged()?.atMs).toBe((second?.atMs ?? 0) + 1);
  });
});

function newPem(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
}

describe('the signing key', () => {
  const installId = '00000000-0000-4000-8000-000000000000';

  test('is made once, for its owner alone', () => {
    const dataDir = tempDir();
    const source = { dataDir, installId, pem: null };
    expect(findPublicKeys(source)).toBeNull();
    const { verifier } = loadSigningKey(source);
    const path = join(dataDir, 'audit-signing-key.pem');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadSigningKey(source).verifier.text).toBe(verifier.text);
    expect(findPublicKeys(source)).toBe(verifier.text);
    expect(parseVerifierKey(verifier.text).name).toBe(`llmgate/${installId}`);
  });

  test('of the configuration is used instead, and none is made', () => {
    const dataDir = tempDir();
    const pem = newPem();
    const { verifier } = loadSigningKey({ dataDir, installId, pem });
    expect(loadSigningKey({ dataDir, installId, pem }).verifier.text).toBe(verifier.text);
    expect(findPublicKeys({ dataDir, installId, pem: null })).toBeNull();
  });

  test('that was replaced leaves older checkpoints good, and those of strangers forged', async () => {
    const lab = openAuditLab();
    onTestFinished(() => lab.close());
    const { audit, clock } = lab;
    const { installId: ours } = audit;
    const [old, young] = [newPem(), newPem()];
    const sign = (pem: string) => {
      const key = loadSigningKey({ dataDir: lab.dataDir, installId: ours, pem });
      return createCheckpointer({ audit, clock, key }).take().note;
    };
    const notes = [sign(old), sign(`${young}${old}`)];
    const keysOf = (pem: string) => findPublicKeys({ dataDir: lab.dataDir, installId: ours, pem });
    const both = keysOf(`${young}${old}`);
    expect(both).toBe(`${keysOf(young)} ${keysOf(old)}`);
    const good = { ok: true, storedCheckpoints: 2, givenCheckpoints: 2 };
    expect(await lab.verify({ notes, ownKey: both })).toMatchObject(good);
    expect(await lab.verify({ notes, pinnedKey: both })).toMatchObject(good);
    const forged = { ok: false, faults: [{ kind: 'forged' }] };
    expect(await lab.verify({ ownKey: keysOf(young) })).toMatchObject(forged);
    sign(newPem());
    expect(await lab.verify({ ownKey: both })).toMatchObject(forged);
  });

  test.each([
    ['no PEM', 'nothing'],
    [
      'another kind of key',
      String(generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' })),
    ],
    ['half a key', '-----BEGIN PRIVATE KEY-----\nMC4CAQ'],
  ])('that is %s is a sentence, and shows nothing of it', (_, pem) => {
    const dataDir = tempDir();
    const load = () => loadSigningKey({ dataDir, installId, pem });
    expect(load).toThrow('audit.signing_key holds no Ed25519 private key in PEM form.');
    writeFileSync(join(dataDir, 'audit-signing-key.pem'), pem);
    expect(() => loadSigningKey({ dataDir, installId, pem: null })).toThrow(
      /audit-signing-key\.pem holds no Ed25519 private key/,
    );
  });

  test('that cannot be kept is a sentence', () => {
    const dataDir = tempDir();
    writeFileSync(join(dataDir, 'file'), '');
    const load = () => loadSigningKey({ dataDir: join(dataDir, 'file'), installId, pem: null });
    expect(load).toThrow(/audit-signing-key\.pem cannot be (?:read|written)/);
    chmodSync(dataDir, 0o700);
  });
});

describe('pages on the thread of the books', () => {
  test('are those of the rows', async () => {
    await using temp = await openTempStore({ worker: true });
    const { store } = temp;
    store.audit.record(EVENT);
    store.audit.record({ ...EVENT, action: 'key.create' });
    const query = { chain: 'admin_events', sinceMs: null, untilMs: null, keyId: null } as const;
    const page = await store.books.audit.page({
      ...{ ...query, action: 'key.c*', order: 'newest', after: null, limit: 10 },
    });
    expect(page.lines.map((line) => JSON.parse(line))).toMatchObject([{ seq: 2 }]);
    const entry = await store.books.audit.entry({ chain: 'admin_events', seq: 2 });
    expect(entry?.isIntact).toBe(true);
    expect(await store.books.audit.entry({ requestId: Bun.randomUUIDv7() })).toBeNull();
    const order = { notes: [], pinnedKey: null, ownKey: null, sinceCheckpoint: false, threads: 1 };
    expect(await store.books.audit.verify(order)).toMatchObject({ ok: true });
  });

  test('look at a bounded stretch of rows and say where to go on', async () => {
    const lab = openLab();
    lab.addRequests(120_000);
    const { openAuditReader } = await import('../../src/store/audit-query.ts');
    const reader = openAuditReader(lab.db);
    const nobody = { chain: 'requests', sinceMs: null, untilMs: null, keyId: 'nobody' } as const;
    const ask = (after: number | null, order: 'newest' | 'oldest') =>
      reader.page({ ...nobody, action: null, order, after, limit: 10 });
    expect(ask(null, 'newest')).toEqual({ lines: [], next: 20_001 });
    expect(ask(20_001, 'newest')).toEqual({ lines: [], next: null });
    expect(ask(null, 'oldest')).toEqual({ lines: [], next: 100_000 });
    expect(ask(100_000, 'oldest')).toEqual({ lines: [], next: null });
  });
});
