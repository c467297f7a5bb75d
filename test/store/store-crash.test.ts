import { expect, test } from 'vitest';
import type { LedgerScheduler } from '../../src/store/ledger-scheduler.ts';
import { openStore } from '../../src/store/open-store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { readRequestLog } from '../support/request-log.ts';
import { aFinishedRow, aKey, anOpenRow, openTempStore, tempDir } from '../support/temp-store.ts';

/** A turn of the event loop, and a second, end when the test says so. */
function createManualScheduler() {
  let turns: (() => void)[] = [];
  const later = new Set<() => void>();
  const scheduler: LedgerScheduler = {
    soon: (work) => void turns.push(work),
    later(work) {
      later.add(work);
      return () => later.delete(work);
    },
  };
  return {
    scheduler,
    waiting: later,
    endTurn() {
      const due = turns;
      turns = [];
      for (const work of due) work();
    },
  };
}

async function openLab(dataDir: string) {
  const manual = createManualScheduler();
  const options = {
    dataDir,
    clock: createFakeClock(),
    durability: 'process',
    worker: false,
  } as const;
  const store = await openStore({ ...options, scheduler: manual.scheduler });
  return { ...manual, store };
}

test('a simulation decides when the ledger writes, and a crash loses what it has not', async () => {
  const dataDir = tempDir();
  const { store, endTurn, waiting } = await openLab(dataDir);
  const row = anOpenRow();
  const opened = store.ledger.open(row);
  expect(store.ledger.stats()).toMatchObject({ commits: 0, queued: 1 });
  endTurn();
  await opened;
  store.ledger.progress(row.id, aFinishedRow().usage);
  expect(waiting.size).toBe(1);

  const answers: string[] = [];
  const answer = () => void answers.push('answered');
  store.ledger.settle(aFinishedRow({ id: row.id }), []).then(answer, answer);
  store.ledger.open(anOpenRow()).then(answer, answer);
  store.crash();
  expect(waiting.size).toBe(0);
  endTurn();
  await store.close();
  expect(answers).toEqual([]);

  // The directory is free again, and knows the one request that was durable.
  const again = await openLab(dataDir);
  expect(again.store.recovered).toBe(1);
  again.store.crash();
  expect(readRequestLog(dataDir)).toMatchObject([{ outcome: 'expired' }]);
});

test('a change and its event are written both or not at all', async () => {
  await using temp = await openTempStore();
  const { store } = temp;
  const event = { atMs: 1, actor: 'ada', origin: 'offline', action: 'key.create', target: 'K1' };
  const record = () => store.audit.record({ ...event, before: null, after: { name: 'ci' } });
  store.transact(() => {
    store.keys.insert(aKey({ id: 'K1', name: 'ci' }));
    record();
  });
  expect(store.audit.heads().admin_events.seq).toBe(1);

  const fail = () =>
    store.transact(() => {
      store.keys.insert(aKey({ id: 'K2', name: 'other' }));
      record();
      throw new Error('the power goes out');
    });
  expect(fail).toThrow('the power goes out');
  expect(store.keys.find('other')).toBeUndefined();
  expect(store.audit.heads().admin_events.seq).toBe(1);

  // A name that is taken undoes its own statement, not what its caller did before.
  const taken = store.transact(() => {
    record();
    return store.keys.insert(aKey({ id: 'K3', name: 'ci' }));
  });
  expect(taken).toBe('name_taken');
  expect(store.audit.heads().admin_events.seq).toBe(2);
});
