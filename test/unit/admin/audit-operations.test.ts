import { describe, expect, test } from 'vitest';
import type { AuditPageRequest } from '../../../src/admin/operations.ts';
import { ACTOR, type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { aFinishedRow } from '../../support/temp-store.ts';

const ALL: AuditPageRequest = {
  chain: 'admin_events',
  since: null,
  until: null,
  key: null,
  action: null,
  order: 'newest',
  after: null,
  limit: 100,
  purpose: 'list',
};

const NOTHING_GIVEN = { checkpoints: [], public_key: null, since_checkpoint: false };

async function fill({ operations, store, clock }: AdminLab) {
  const alice = await operations.keys.create({ name: 'alice' });
  const bob = await operations.keys.create({ name: 'bob' });
  for (let at = 0; at < 10; at += 1) {
    clock.advance(60 * 60_000);
    const startedAtMs = clock.nowMs();
    const keyId = at % 2 === 0 ? alice.id : bob.id;
    await store.ledger.settle(
      aFinishedRow({ keyId, startedAtMs, finishedAtMs: startedAtMs + 5 }),
      [],
    );
  }
  await operations.keys.revoke('bob');
  return { alice, bob };
}

describe.each(['local', 'remote'] as const)('%s', (way) => {
  test('pages go through a chain from either end, without a gap', async () => {
    await using lab = await openAdminLab({ way });
    await fill(lab);
    for (const order of ['newest', 'oldest'] as const) {
      const seqs: number[] = [];
      let after: number | null = null;
      do {
        const page: Awaited<ReturnType<typeof lab.operations.audit.page>> =
          await lab.operations.audit.page({ ...ALL, chain: 'requests', order, after, limit: 3 });
        expect(page.rows.length).toBeLessThanOrEqual(3);
        seqs.push(...page.rows.map(({ seq }) => seq));
        after = page.next;
      } while (after !== null);
      const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
      expect(seqs).toEqual(order === 'oldest' ? expected : expected.toReversed());
    }
  });

  test('conditions', async () => {
    await using lab = await openAdminLab({ way });
    const { bob } = await fill(lab);
    const seqsOf = async (change: Partial<AuditPageRequest>) =>
      (await lab.operations.audit.page({ ...ALL, order: 'oldest', ...change })).rows.map(
        ({ seq }) => seq,
      );
    expect(await seqsOf({ chain: 'requests', key: 'bob' })).toEqual([2, 4, 6, 8, 10]);
    expect(await seqsOf({ chain: 'requests', key: bob.id, limit: 2 })).toEqual([2, 4]);
    expect(await seqsOf({ chain: 'requests', key: 'nobody' })).toEqual([]);
    const noon = { since: '2026-11-18T13:30:00Z', until: '2026-11-18T15:30:00Z' };
    expect(await seqsOf({ chain: 'requests', ...noon })).toEqual([3, 4]);
    expect(await seqsOf({ key: 'bob' })).toEqual([2, 3]);
    expect(await seqsOf({ action: 'key.revoke' })).toEqual([3]);
    expect(await seqsOf({ action: 'key.*' })).toEqual([1, 2, 3]);
    expect(await seqsOf({ action: 'budget.*' })).toEqual([]);
    await expect(seqsOf({ chain: 'requests', action: 'key.*' })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(seqsOf({ since: 'soon' })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('one row, by its number or the id of its request', async () => {
    await using lab = await openAdminLab({ way });
    await fill(lab);
    const { audit } = lab.operations;
    const bySeq = await audit.show({ chain: 'requests', seq: 4 });
    expect(bySeq).toMatchObject({ row: { seq: 4, key: expect.any(String) }, intact: true });
    const requestId = String(bySeq.row['id']);
    expect(await audit.show({ requestId })).toEqual(bySeq);
    expect(await audit.show({ requestId: requestId.replaceAll('-', '') })).toEqual(bySeq);
    const before = await audit.show({ chain: 'requests', seq: 3 });
    expect(bySeq.previous_hash).toBe(before.row.hash);
    const first = await audit.show({ chain: 'admin_events', seq: 1 });
    expect(first).toMatchObject({ previous_hash: '0'.repeat(64), intact: true });
    for (const ref of [
      { chain: 'requests', seq: 11 } as const,
      { requestId: '00000000-0000-4000-8000-000000000000' },
    ]) {
      await expect(audit.show(ref)).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  test('a verification says what it found, and is itself on record', async () => {
    await using lab = await openAdminLab({ way });
    await fill(lab);
    const found = await lab.operations.audit.verify(NOTHING_GIVEN);
    expect(found).toMatchObject({
      ok: true,
      requests: { rows: 10, last_seq: 10 },
      admin_events: { rows: 3, last_seq: 3 },
      faults: [],
    });
    const { rows } = await lab.operations.audit.page({ ...ALL, limit: 1 });
    expect(rows).toMatchObject([
      { action: 'audit.verify', actor: ACTOR, after: { ok: true, requests_seq: 10 } },
    ]);
  });

  test('a checkpoint is signed, kept and verified by its key', async () => {
    await using lab = await openAdminLab({ way });
    await fill(lab);
    const { audit } = lab.operations;
    const checkpoint = await audit.checkpoint();
    expect(checkpoint).toMatchObject({ requests_seq: 10, admin_events_seq: 4 });
    expect(checkpoint.public_key).toBe(await audit.publicKey());
    expect(lab.store.audit.lastCheckpoint()?.note).toBe(checkpoint.note);
    const given = { ...NOTHING_GIVEN, checkpoints: [checkpoint.note] };
    const found = await audit.verify({ ...given, public_key: checkpoint.public_key });
    expect(found).toMatchObject({ ok: true, checkpoints: { given: 1, stored: 1 }, unknowns: [] });
    const broken = {
      ...NOTHING_GIVEN,
      checkpoints: [checkpoint.note.replace('requests 10', 'requests 9')],
    };
    expect(await audit.verify(broken)).toMatchObject({
      ok: false,
      faults: [{ place: 'checkpoints', kind: 'forged' }],
    });
  });

  test('what no verification can use is refused', async () => {
    await using lab = await openAdminLab({ way });
    const asked = lab.operations.audit.verify({ ...NOTHING_GIVEN, public_key: 'ssh-rsa AAAA' });
    await expect(asked).rejects.toMatchObject({ code: 'invalid' });
    const many = { ...NOTHING_GIVEN, checkpoints: Array.from({ length: 401 }, () => '') };
    await expect(lab.operations.audit.verify(many)).rejects.toMatchObject({ code: 'invalid' });
  });

  test('only one verification runs at a time', async () => {
    await using lab = await openAdminLab({ way });
    const asked = [1, 2].map(() => lab.operations.audit.verify(NOTHING_GIVEN));
    const outcomes = (await Promise.allSettled(asked)).map(({ status }) => status);
    expect(outcomes.toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await lab.operations.audit.verify(NOTHING_GIVEN)).toMatchObject({ ok: true });
  });

  test('an export is on record, the pages after its first are not', async () => {
    await using lab = await openAdminLab({ way });
    await fill(lab);
    const { audit } = lab.operations;
    const request = { ...ALL, chain: 'requests', purpose: 'export', limit: 5 } as const;
    const { next } = await audit.page(request);
    await audit.page({ ...request, after: next });
    const { rows } = await audit.page({ ...ALL, action: 'audit.*' });
    expect(rows).toMatchObject([{ action: 'audit.export', after: { chain: 'requests' } }]);
  });
});
