import { describe, expect, test } from 'vitest';
import { LiveDocument } from '../../../src/observe/live-document.ts';
import { LIVE_LISTS } from '../../../src/observe/live-lists.ts';
import { openAdminLab } from '../../support/admin-lab.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { LARGE, requestId, someLiveDocument } from '../../support/some-live-document.ts';

describe.each(['local', 'remote'] as const)('live, %s', (way) => {
  test('the document of the gateway, from where the last one ended', async () => {
    const asked: number[] = [];
    const live = createFakeLiveGateway({
      live: (since) => {
        asked.push(since);
        return someLiveDocument(90, LARGE, since);
      },
    });
    await using lab = await openAdminLab({ way, live });
    const first = await lab.operations.live(0);
    expect(LiveDocument.parse(first)).toEqual(first);
    const next = await lab.operations.live(first.seq - 2);
    expect(next.finished).toHaveLength(2);
    expect(asked).toEqual([0, first.seq - 2]);
  });

  test('a backend is drained and resumed, and the trail says by whom', async () => {
    const done: string[] = [];
    const live = createFakeLiveGateway({
      drainBackend: (id) => done.push(`drain ${id}`) > 0,
      resumeBackend: (id) => done.push(`resume ${id}`) > 0,
    });
    await using lab = await openAdminLab({ way, live });
    expect(await lab.operations.drainBackend('gpu0')).toEqual({
      ...{ id: 'gpu0', drained: true, in_flight: 0 },
    });
    expect(await lab.operations.resumeBackend('gpu0')).toMatchObject({ drained: false });
    expect(done).toEqual(['drain gpu0', 'resume gpu0']);
    expect(await actions(lab)).toEqual([
      { action: 'backend.drain', target: 'gpu0', actor: 'alice@gpu-box' },
      { action: 'backend.resume', target: 'gpu0', actor: 'alice@gpu-box' },
    ]);
  });

  test('a request is cancelled once', async () => {
    const inFlight = new Set([requestId(1)]);
    const live = createFakeLiveGateway({ cancelRequest: (id) => inFlight.delete(id) });
    await using lab = await openAdminLab({ way, live });
    const id = requestId(1);
    expect(await lab.operations.cancelRequest(id)).toEqual({ id, cancelled: true });
    await expect(lab.operations.cancelRequest(id)).rejects.toMatchObject({ code: 'not_found' });
    expect(await actions(lab)).toEqual([
      { action: 'request.cancel', target: id, actor: 'alice@gpu-box' },
    ]);
  });

  test('what is not there leaves no event', async () => {
    await using lab = await openAdminLab({ way, live: createFakeLiveGateway() });
    await expect(lab.operations.drainBackend('a/../b')).rejects.toMatchObject({
      ...{ code: 'not_found', message: 'there is no backend "a/../b"' },
    });
    await expect(lab.operations.resumeBackend('gpu9')).rejects.toMatchObject({ code: 'not_found' });
    expect(await actions(lab)).toEqual([]);
  });
});

test('a document that this version does not understand is refused, also after a good one', async () => {
  let answer: object = someLiveDocument(1);
  const live = createFakeLiveGateway({ live: () => answer as LiveDocument });
  await using lab = await openAdminLab({ way: 'remote', live });
  await lab.operations.live(0);
  answer = { ...answer, gateway: { version: '9', started_at: 'later' }, models: 'none' };
  await expect(lab.operations.live(0)).rejects.toMatchObject({ code: 'internal' });
});

test('without a gateway nothing lives', async () => {
  await using lab = await openAdminLab({ way: 'local' });
  await expect(lab.operations.live(0)).rejects.toMatchObject({ code: 'not_running' });
  await expect(lab.operations.drainBackend('x')).rejects.toMatchObject({ code: 'not_running' });
});

async function actions({ operations }: Awaited<ReturnType<typeof openAdminLab>>) {
  const page = await operations.audit.page({
    ...{ chain: 'admin_events', since: null, until: null, key: null, action: null },
    ...{ order: 'oldest', after: null, limit: 100, purpose: 'list' },
  });
  return page.rows.map((row) => {
    const { action, target, actor } = row as unknown as Record<string, unknown>;
    return { action, target, actor };
  });
}

test.each([
  [undefined, ['callers', 'requests']],
  [[], []],
  [['requests'], ['requests']],
  [
    ['requests', 'callers'],
    ['callers', 'requests'],
  ],
] as const)('of the long lists %j are told', async (lists, told) => {
  await using lab = await openAdminLab({ way: 'remote', live: createFakeLiveGateway() });
  const document = await lab.operations.live(0, lists);
  expect(LIVE_LISTS.filter((list) => document[list] !== null)).toEqual(told);
});
