import { describe, expect, test } from 'vitest';
import { ACTOR, type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { openTempContent, requestId } from '../../support/temp-content.ts';
import { aKey } from '../../support/temp-store.ts';

const ada = aKey({ id: 'K00000000ADA', name: 'ada laptop', user: 'ada' });
const PLACED_AT = '2026-11-18T10:30:00.000Z';

async function eventsOf({ operations }: AdminLab) {
  const page = await operations.audit.page({
    ...{ chain: 'admin_events', order: 'oldest', limit: 100, purpose: 'list' },
    ...{ since: null, until: null, key: null, action: 'hold.*', after: null },
  });
  return page.rows;
}

describe.each(['local', 'remote'] as const)('%s', (way) => {
  test('a hold is placed, listed and released, and each change is on record', async () => {
    await using lab = await openAdminLab({ way });
    const { holds } = lab.operations;
    lab.store.keys.insert(ada);
    const placed = await holds.place({ scope: 'key', subject: 'ada laptop', reason: ' case 7 ' });
    const hold = { id: 1, scope: 'key', subject: ada.id, reason: 'case 7', placed_at: PLACED_AT };
    expect(placed).toEqual({ ...hold, released_at: null });
    await holds.place({ scope: 'all', reason: 'an order' });
    expect((await holds.list()).map(({ id }) => id)).toEqual([2, 1]);
    expect(lab.store.legalHolds.isHeld('key', ada.id)).toBe(true);

    lab.clock.advance(60_000);
    const released = await holds.release(1, { reason: 'closed' });
    expect(released).toEqual({ ...hold, released_at: '2026-11-18T10:31:00.000Z' });
    expect(lab.store.legalHolds.isHeld('key', ada.id)).toBe(false);
    const facts = { hold: 1, scope: 'key', subject: ada.id, reason: 'case 7' };
    const target = `key:${ada.id}`;
    expect(await eventsOf(lab)).toMatchObject([
      { action: 'hold.place', actor: ACTOR, target, before: null, after: facts },
      { action: 'hold.place', target: 'all', after: { hold: 2, scope: 'all' } },
      { action: 'hold.release', actor: ACTOR, target, before: facts, after: { reason: 'closed' } },
    ]);
  });

  test('what cannot be is refused and leaves nothing', async () => {
    await using lab = await openAdminLab({ way });
    const { holds } = lab.operations;
    await holds.place({ scope: 'user', subject: 'ada', reason: 'case 7' });
    await holds.release(1, { reason: 'closed' });
    const refused: [Promise<unknown>, string][] = [
      [holds.place({ scope: 'key', subject: 'nobody', reason: 'x' }), 'not_found'],
      [holds.place({ scope: 'user', subject: 'ada', reason: '  ' }), 'invalid'],
      [holds.place({ scope: 'user', reason: 'x' }), 'invalid'],
      [holds.place({ scope: 'all', subject: 'ada', reason: 'x' }), 'invalid'],
      [holds.release(2, { reason: 'x' }), 'not_found'],
      [holds.release(1, { reason: 'x' }), 'conflict'],
    ];
    for (const [attempt, code] of refused) await expect(attempt).rejects.toMatchObject({ code });
    expect(await holds.list()).toHaveLength(1);
    expect(await eventsOf(lab)).toHaveLength(2);
  });

  test('nothing is erased of who is held, also where nothing was captured', async () => {
    await using lab = await openAdminLab({ way });
    const { holds, content } = lab.operations;
    await holds.place({ scope: 'all', reason: 'case 7' });
    await expect(content.erase({ scope: 'user', subject: 'ada' })).rejects.toMatchObject({
      code: 'conflict',
      message: 'nothing is erased: legal hold 1 on everything forbids it',
    });
  });

  test('content of who is held cannot be erased, and the refusal names the hold', async () => {
    let lab: AdminLab | undefined;
    const isHeld = (...what: Parameters<AdminLab['store']['legalHolds']['isHeld']>) =>
      lab?.store.legalHolds.isHeld(...what) ?? false;
    const temp = await openTempContent({ isHeld });
    lab = await openAdminLab({ way, content: temp.content });
    await using _ = lab;
    lab.store.keys.insert(ada);
    await temp.capture({ id: requestId(1), key: ada, request: 'hello', answer: [] });
    const { holds, content } = lab.operations;
    await holds.place({ scope: 'key', subject: ada.id, reason: 'case 7' });
    await expect(content.erase({ scope: 'user', subject: 'ada' })).rejects.toMatchObject({
      code: 'conflict',
      message: `nothing is erased: legal hold 1 on key ${ada.id} forbids it`,
    });
    expect(await temp.content.purge(Number.MAX_SAFE_INTEGER)).toBe(0);
    await holds.release(1, { reason: 'closed' });
    expect(await content.erase({ scope: 'user', subject: 'ada' })).toMatchObject({ requests: 1 });
  });
});
