import { describe, expect, test } from 'vitest';
import type { KeyOperations, Operations } from '../../../src/admin/operations.ts';
import { GateError } from '../../../src/core/error.ts';
import { ACTOR, type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';

async function listEvents({ audit }: Operations) {
  const { rows } = await audit.page({
    chain: 'admin_events',
    since: null,
    until: null,
    key: null,
    action: null,
    order: 'oldest',
    after: null,
    limit: 100,
    purpose: 'list',
  });
  return rows;
}

/** A whole life: everything that can be done to a key, once. */
async function live(keys: KeyOperations): Promise<string> {
  const { id } = await keys.create({ name: 'alice', limits: { requests_per_minute: 60 } });
  await keys.update('alice', { name: 'alicia', limits: { requests_per_minute: 90 } });
  await keys.rotate('alicia', { overlap_seconds: 3_600 });
  await keys.suspend('alicia');
  await keys.resume('alicia');
  await keys.revoke('alicia');
  return id;
}

describe.each(['local', 'remote'] as const)('%s', (way) => {
  test('the life of a key is on record: who, from where, before and after', async () => {
    await using lab = await openAdminLab({ way });
    const id = await live(lab.operations.keys);
    const events = await listEvents(lab.operations);
    const origin = way === 'local' ? 'offline' : 'admin socket';
    expect(events.every(({ actor, target }) => actor === ACTOR && target === id)).toBe(true);
    expect(events.every((event) => event['origin'] === origin)).toBe(true);
    expect(events.map(({ action, before, after }) => ({ action, before, after }))).toMatchObject([
      { action: 'key.create', before: null, after: { name: 'alice', requests_per_minute: 60 } },
      {
        action: 'key.update',
        before: { name: 'alice', requests_per_minute: 60 },
        after: { name: 'alicia', requests_per_minute: 90 },
      },
      {
        action: 'key.rotate',
        before: { secrets: [{ expires_at: null }] },
        after: { secrets: [{ expires_at: '2026-11-18T11:30:00.000Z' }, { expires_at: null }] },
      },
      { action: 'key.suspend', before: { status: 'active' }, after: { status: 'suspended' } },
      { action: 'key.resume', before: { status: 'suspended' }, after: { status: 'active' } },
      { action: 'key.revoke', before: { status: 'active' }, after: { status: 'revoked' } },
    ]);
  });

  test('only what changed is in an event', async () => {
    await using lab = await openAdminLab({ way });
    await lab.operations.keys.create({ name: 'alice' });
    await lab.operations.keys.update('alice', { team: 'search' });
    const [, update] = await listEvents(lab.operations);
    expect(update).toMatchObject({ before: { team: null }, after: { team: 'search' } });
    expect(Object.keys(Object(update?.['after']))).toEqual(['team']);
  });

  test('no secret of a key is in the trail, nor its digest', async () => {
    await using lab = await openAdminLab({ way });
    const { id, key } = await lab.operations.keys.create({
      name: 'alice',
      tags: { note: 'sk-proj-Ab3dEf6hIj9kLm2n', password: 'hunter2' },
    });
    const rotated = await lab.operations.keys.rotate('alice', { overlap_seconds: 60 });
    const digests = (lab.store.keys.find(id)?.secrets ?? []).map(({ digest }) => digest);
    const trail = JSON.stringify(await listEvents(lab.operations));
    const secrets = [key, rotated.key].map((text) => text.slice(`sk-lg-${id}-`.length));
    const hex = digests.flatMap((digest) => {
      const bytes = Buffer.from(digest);
      return [bytes.toString('hex'), bytes.toString('base64'), [...bytes].join(',')];
    });
    for (const secret of [...secrets, ...hex, 'sk-proj-Ab3dEf6hIj9kLm2n', 'hunter2']) {
      expect(trail).not.toContain(secret);
    }
  });

  test('what was refused is not in the trail', async () => {
    await using lab = await openAdminLab({ way });
    await lab.operations.keys.create({ name: 'alice' });
    await lab.operations.keys.create({ name: 'bob' });
    const refusals = [
      lab.operations.keys.create({ name: 'alice' }),
      lab.operations.keys.update('bob', { name: 'alice' }),
      lab.operations.keys.suspend('carol'),
    ];
    expect((await Promise.allSettled(refusals)).every(({ status }) => status === 'rejected')).toBe(
      true,
    );
    expect(await listEvents(lab.operations)).toHaveLength(2);
  });

  test('a change that cannot be put on record is not made', async () => {
    const gateway = createFakeLiveGateway();
    await using lab = await openAdminLab({ way, live: gateway });
    await lab.operations.keys.create({ name: 'alice' });
    const before = lab.store.keys.find('alice');
    const told = gateway.told.length;
    breakTrail(lab);
    const { keys } = lab.operations;
    const changes = [
      () => keys.create({ name: 'bob' }),
      () => keys.update('alice', { team: 'search' }),
      () => keys.rotate('alice', { overlap_seconds: 0 }),
      () => keys.suspend('alice'),
      () => keys.revoke('alice'),
    ];
    for (const change of changes) {
      await expect(change()).rejects.toMatchObject({ code: expect.stringMatching(/unavailable$/) });
    }
    expect(lab.store.keys.find('alice')).toEqual(before);
    expect(lab.store.keys.find('bob')).toBeUndefined();
    expect(gateway.told).toHaveLength(told);
  });
});

/** The event is the last thing a change writes; everything before it works. */
function breakTrail({ store }: AdminLab): void {
  Object.assign(store.audit, {
    record() {
      throw new GateError('store_unavailable', 'The audit trail cannot be written now.');
    },
  });
}
