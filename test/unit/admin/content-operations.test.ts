import { describe, expect, test } from 'vitest';
import type { OperationError } from '../../../src/admin/operation-error.ts';
import type { Operations } from '../../../src/admin/operations.ts';
import type { AdminEvent } from '../../../src/store/audit-trail.ts';
import type { ContentStoreOptions } from '../../../src/store/content/content-store.ts';
import { type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { OTHER_CONTENT_KEY, openTempContent, requestId } from '../../support/temp-content.ts';
import { aFinishedRow, aKey } from '../../support/temp-store.ts';

const ada = aKey({ id: 'K00000000ADA', name: 'ada laptop', user: 'ada', team: 'maths' });

/** A captured request 1 with its row, a request 2 whose content is gone, a request 3 without any. */
async function openLab(way: 'local' | 'remote', options: Partial<ContentStoreOptions> = {}) {
  const temp = await openTempContent(options);
  const lab = await openAdminLab({ way, content: temp.content });
  lab.store.keys.insert(ada);
  const contentRef = await temp.capture({
    id: requestId(1),
    key: ada,
    request: '{"prompt":"hé"}',
    answer: [new Uint8Array([0xff, 0xfb, 0])],
  });
  const { ledger } = lab.store;
  await ledger.settle(aFinishedRow({ id: requestId(1), contentRef }), []);
  await ledger.settle(aFinishedRow({ id: requestId(2), contentRef: new Uint8Array(32) }), []);
  await ledger.settle(aFinishedRow({ id: requestId(3) }), []);
  return { lab, temp, contentRef };
}

async function eventsOf({ operations }: AdminLab): Promise<Partial<AdminEvent>[]> {
  const page = await operations.audit.page({
    ...{ chain: 'admin_events', order: 'oldest', limit: 100, purpose: 'list' },
    ...{ since: null, until: null, key: null, action: 'content.*', after: null },
  });
  return page.rows.map((row) => row as Partial<AdminEvent>);
}

describe.each(['local', 'remote'] as const)('%s', (way) => {
  test('content is shown with its owner and whether its row agrees, and that is on record', async () => {
    const { lab, contentRef } = await openLab(way);
    await using _ = lab;
    expect(await lab.operations.content.show(requestId(1).replaceAll('-', ''))).toEqual({
      request_id: requestId(1),
      captured_at: '2026-11-18T10:30:00.000Z',
      mode: 'full',
      key: ada.id,
      user: 'ada',
      team: 'maths',
      tenant: null,
      content_ref: Buffer.from(contentRef ?? []).toString('hex'),
      content_ref_matches: true,
      request: { bytes: 16, truncated: false, encoding: 'utf8', content: '{"prompt":"hé"}' },
      answer: { bytes: 3, truncated: false, encoding: 'base64', content: '//sA' },
    });
    expect(await eventsOf(lab)).toMatchObject([
      {
        action: 'content.read',
        target: requestId(1),
        after: { key: ada.id, user: 'ada', mode: 'full' },
      },
    ]);
  });

  test.each([
    [requestId(2), 'not_found', 'the content was erased, or it is past its retention, of request'],
    [requestId(3), 'not_found', 'no content was captured of request'],
    [requestId(4), 'not_found', 'there is no request'],
    ['nonsense', 'invalid', '"nonsense" is not a request id'],
  ])('there is nothing to show of %s', async (id, code, message) => {
    const { lab } = await openLab(way);
    await using _ = lab;
    expect(await refusal(lab.operations, id)).toEqual({
      code,
      message: expect.stringContaining(message),
    });
    expect(await eventsOf(lab)).toEqual([]);
  });

  test('content of another reference than its row has is shown as that', async () => {
    const { lab, temp } = await openLab(way);
    await using _ = lab;
    await temp.capture({ id: requestId(2), key: ada });
    const { content_ref_matches } = await lab.operations.content.show(requestId(2));
    expect(content_ref_matches).toBe(false);
    // Left by a crash before the row.
    await temp.capture({ id: requestId(7), key: ada });
    const left = await lab.operations.content.show(requestId(7));
    expect(left.content_ref_matches).toBeNull();
  });

  test('an erased subject cannot be read, and its rows stand as they were', async () => {
    const { lab } = await openLab(way);
    await using _ = lab;
    const { content, audit } = lab.operations;
    expect(await content.erase({ scope: 'user', subject: 'ada' })).toEqual({
      scope: 'user',
      subject: 'ada',
      dry_run: false,
      data_keys: 1,
      requests: 1,
    });
    expect((await refusal(lab.operations, requestId(1))).code).toBe('not_found');
    expect(await audit.show({ requestId: requestId(1) })).toMatchObject({ intact: true });
    expect(
      await audit.verify({ checkpoints: [], public_key: null, since_checkpoint: false }),
    ).toMatchObject({ ok: true });
    expect(await eventsOf(lab)).toMatchObject([
      { action: 'content.erase', target: 'user:ada', after: { state: 'asked' } },
      {
        action: 'content.erase',
        target: 'user:ada',
        after: { state: 'done', destroyed: 1, requests: 1 },
      },
    ]);
  });

  test('a dry run says what would be erased, and erases nothing', async () => {
    const { lab } = await openLab(way);
    await using _ = lab;
    const order = { scope: 'team', subject: 'maths', dry_run: true } as const;
    expect(await lab.operations.content.erase(order)).toEqual({
      ...order,
      data_keys: 1,
      requests: 1,
    });
    expect(await eventsOf(lab)).toEqual([]);
    expect(await lab.operations.content.show(requestId(1))).toMatchObject({ key: ada.id });
  });

  test('a key is named by its name or its id, also after it is gone', async () => {
    const { lab } = await openLab(way);
    await using _ = lab;
    const { content } = lab.operations;
    expect(await content.erase({ scope: 'key', subject: 'ada laptop' })).toMatchObject({
      subject: ada.id,
      data_keys: 1,
    });
    expect(await content.erase({ scope: 'key', subject: 'K00000000XYZ' })).toMatchObject({
      subject: 'K00000000XYZ',
      data_keys: 0,
    });
  });

  test('a legal hold forbids it, and that somebody tried is on record', async () => {
    const { lab } = await openLab(way, { isHeld: (scope) => scope === 'team' });
    await using _ = lab;
    const order = { scope: 'user', subject: 'ada' } as const;
    await expect(lab.operations.content.erase(order)).rejects.toMatchObject({
      code: 'conflict',
      message: 'nothing is erased: a legal hold on team maths forbids it',
    });
    expect(await eventsOf(lab)).toMatchObject([
      { after: { state: 'asked' } },
      { after: { state: 'refused', held: 'team maths' } },
    ]);
    expect(await lab.operations.content.show(requestId(1))).toMatchObject({ key: ada.id });
  });
});

test('content locked with a key that is not configured says which', async () => {
  const first = await openLab('local');
  await first.temp.content.close();
  const { content } = await openTempContent({
    dataDir: first.temp.dataDir,
    contentKeys: [OTHER_CONTENT_KEY],
  });
  await using lab = await openAdminLab({ way: 'local', content });
  const { code, message } = await refusal(lab.operations, requestId(1));
  expect(code).toBe('conflict');
  expect(message).toMatch(
    /locked with content key [\da-f]{16}, which is neither audit\.content_key nor/,
  );
});

test('who cannot be put on record sees nothing and erases nothing', async () => {
  const { lab, temp } = await openLab('local');
  await using _ = lab;
  const { show, erase } = lab.operations.content;
  await lab.store.close();
  await expect(show(requestId(1))).rejects.toThrow();
  await expect(erase({ scope: 'user', subject: 'ada' })).rejects.toThrow();
  expect(await temp.content.find(requestId(1))).toMatchObject({ kind: 'found' });
});

async function refusal(
  { content }: Operations,
  id: string,
): Promise<Pick<OperationError, 'code' | 'message'>> {
  const { code, message } = await content.show(id).then(
    () => Promise.reject(new Error('it was shown')),
    (cause: OperationError) => cause,
  );
  return { code, message };
}
