import { describe, expect, test } from 'vitest';
import { openAdminLab } from '../../support/admin-lab.ts';
import { createLogBook } from '../../support/log-book.ts';

describe.each(['local', 'remote'] as const)('levels of the log, %s', (way) => {
  test('are changed part by part, with effect, and on record', async () => {
    const book = createLogBook();
    const { log } = book;
    await using lab = await openAdminLab({ way, log });
    const { operations } = lab;
    expect(await operations.log.levels()).toEqual({ level: 'debug', levels: {} });
    expect(await operations.log.setLevels({ level: 'error', levels: { gateway: 'warn' } })).toEqual(
      { level: 'error', levels: { gateway: 'warn' } },
    );
    expect(await operations.log.setLevels({ levels: { gateway: null, store: 'info' } })).toEqual({
      ...{ level: 'error', levels: { store: 'info' } },
    });
    log.for('gateway').warn('not written');
    log.for('store').info('written');
    expect(book.events).toEqual(['written']);
    const { rows } = await operations.audit.page({
      ...{ chain: 'admin_events', since: null, until: null, key: null, action: null },
      ...{ purpose: 'list', order: 'oldest', after: null, limit: 10 },
    });
    expect(rows.map(({ action }) => action)).toEqual(['log.level', 'log.level']);
  });

  test('what is no level changes nothing', async () => {
    const { log } = createLogBook();
    await using lab = await openAdminLab({ way, log });
    const wrong = { level: 'loud' } as unknown as { level: 'info' };
    await expect(lab.operations.log.setLevels(wrong)).rejects.toMatchObject({ code: 'invalid' });
    expect(log.levels()).toEqual({ level: 'debug', levels: {} });
  });

  test('without a gateway there is no log', async () => {
    await using lab = await openAdminLab({ way });
    await expect(lab.operations.log.levels()).rejects.toMatchObject({ code: 'not_running' });
  });
});
