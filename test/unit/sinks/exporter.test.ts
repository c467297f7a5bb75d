import { expect, onTestFinished, test } from 'vitest';
import { createExporter } from '../../../src/sinks/exporter.ts';
import type { ExportCursors } from '../../../src/sinks/record.ts';
import { SinkFailure } from '../../../src/sinks/sink-failure.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { createLogBook } from '../../support/log-book.ts';
import {
  createMemoryReader,
  createScriptedSink,
  type ScriptedSink,
} from '../../support/scripted-sink.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface MemoryCursors extends ExportCursors {
  readonly moves: string[];
  failure: Error | undefined;
}

function createMemoryCursors(): MemoryCursors {
  const places = new Map<string, number>();
  const cursors: MemoryCursors = {
    moves: [],
    failure: undefined,
    get: (sink, chain) => places.get(`${sink} ${chain}`) ?? 0,
    move(sink, chain, seq) {
      if (cursors.failure !== undefined) throw cursors.failure;
      places.set(`${sink} ${chain}`, seq);
      cursors.moves.push(`${sink} ${chain} ${seq}`);
    },
  };
  return cursors;
}

/** An exporter in which only the time, the rows and the sinks are the test's. */
function startLab(sinks: readonly ScriptedSink[], cursors = createMemoryCursors()) {
  const time = createFakeTime();
  const reader = createMemoryReader();
  const book = createLogBook();
  const start = () =>
    createExporter({
      ...time,
      sinks,
      reader,
      cursors,
      random: () => new Uint8Array([255]),
      log: book.log,
    });
  const exporter = start();
  onTestFinished(async () => {
    const closing = exporter.close();
    await time.advance(5 * SECOND);
    await closing;
  });
  const statsOf = (index = 0) => {
    const stats = exporter.stats().sinks[index];
    if (stats === undefined) throw new Error('no such sink');
    return stats;
  };
  return { time, reader, book, cursors, exporter, statsOf, restart: start };
}

const refuse = () => Promise.reject(new SinkFailure('answered HTTP 500'));

/** Heeds nothing, as a disk that hangs. */
const hang = () => new Promise<void>(() => {});

test('rows of all chains, in order, at most 500 at once, and the cursor after each', async () => {
  const sink = createScriptedSink();
  const { time, reader, cursors, statsOf } = startLab([sink]);
  reader.grow('requests', 1_200);
  reader.grow('admin_events', 2);
  reader.grow('checkpoints', 1);
  await time.advance(SECOND);
  // With a rest after each, so that catching up leaves room for requests.
  expect(sink.taken).toEqual(['admin_events:1-2']);
  await time.advance(40);
  expect(sink.taken).toEqual([
    'admin_events:1-2',
    'checkpoints:1-1',
    'requests:1-500',
    'requests:501-1000',
    'requests:1001-1200',
  ]);
  expect(cursors.moves).toEqual([
    'sink admin_events 2',
    'sink checkpoints 1',
    'sink requests 500',
    'sink requests 1000',
    'sink requests 1200',
  ]);
  expect(statsOf()).toMatchObject({ rows: 1_203, batches: 5, failures: 0, lagRows: 0 });
});

test('new rows are noticed within a second, or at a nudge within a tenth', async () => {
  const sink = createScriptedSink();
  const { time, reader, exporter } = startLab([sink]);
  await time.advance(10 * SECOND);
  reader.grow('requests', 1);
  await time.advance(SECOND);
  expect(sink.taken).toEqual(['requests:1-1']);
  reader.grow('requests', 1);
  exporter.nudge();
  await time.advance(100);
  expect(sink.taken).toEqual(['requests:1-1', 'requests:2-2']);
});

test('however often it is nudged, the chains are looked at ten times a second', async () => {
  const { time, reader, exporter } = startLab([createScriptedSink()]);
  await time.advance(SECOND);
  const before = reader.asked.heads;
  for (let ms = 0; ms < SECOND; ms += 1) {
    exporter.nudge();
    exporter.nudge();
    await time.advance(1);
  }
  expect(reader.asked.heads - before).toBeLessThanOrEqual(11);
});

test('without rows nothing is read, without sinks nothing is even asked', async () => {
  const idle = startLab([createScriptedSink(), createScriptedSink('other')]);
  await idle.time.advance(MINUTE);
  expect(idle.reader.asked).toEqual({ heads: 61, read: 0 });
  const none = startLab([]);
  none.exporter.nudge();
  await none.time.advance(MINUTE);
  expect(none.reader.asked).toEqual({ heads: 0, read: 0 });
  expect(none.exporter.exportedUpTo('requests')).toBe(Number.POSITIVE_INFINITY);
});

test('a sink that fails is asked again, later and later, with the same batch', async () => {
  const sink = createScriptedSink();
  const { time, reader, book, exporter, statsOf } = startLab([sink]);
  const batches: string[] = [];
  const startedAtMs = time.clock.nowMs();
  sink.behave(({ records }) => {
    const atMs = time.clock.nowMs() - startedAtMs;
    batches.push(`${Math.round(atMs / SECOND)}: ${records.length}`);
    return refuse();
  });
  reader.grow('requests', 3);
  // Rows and nudges that come meanwhile hurry nothing.
  for (let at = 0; at < 130; at += 1) {
    await time.advance(SECOND);
    reader.grow('requests', 1);
    exporter.nudge();
  }
  expect(batches).toEqual([
    ...['1: 3', '2: 3', '4: 3', '8: 3', '16: 3', '32: 3', '64: 3', '124: 3'],
  ]);
  expect(statsOf()).toMatchObject({
    failures: 8,
    retries: 7,
    failingSinceMs: startedAtMs + SECOND,
    lastFailure: 'answered HTTP 500',
  });
  expect(book.events).toEqual(['export_failing']);
});

test('an hour of failure costs little, and everything arrives after it', async () => {
  const sink = createScriptedSink();
  const { time, reader, book, statsOf } = startLab([sink]);
  sink.behave(refuse);
  for (let minute = 0; minute < 60; minute += 1) {
    reader.grow('requests', 100);
    await time.advance(MINUTE);
  }
  expect(sink.attempts).toBeLessThan(70);
  // One batch at most is in memory: nothing more was read.
  expect(reader.asked.read).toBe(1);
  expect(statsOf().lagRows).toBe(6_000);
  sink.behave(undefined);
  await time.advance(MINUTE);
  expect(sink.taken[0]).toBe('requests:1-100');
  expect(sink.taken.at(-1)).toMatch(/-6000$/);
  expect(statsOf()).toMatchObject({ rows: 6_000, lagRows: 0, failingSinceMs: null });
  expect(book.events).toEqual(['export_failing', 'export_recovered']);
});

test('a day of failure reminds the log every hour, not every minute', async () => {
  const sink = createScriptedSink();
  const { time, reader, book } = startLab([sink]);
  sink.behave(refuse);
  reader.grow('admin_events', 1);
  await time.advance(24 * HOUR);
  expect(book.events.length).toBeGreaterThanOrEqual(23);
  expect(book.events.length).toBeLessThanOrEqual(25);
});

test('retry-after is honoured', async () => {
  const sink = createScriptedSink();
  const { time, reader } = startLab([sink]);
  sink.behave(() => Promise.reject(new SinkFailure('busy', { retryAfterMs: 90 * SECOND })));
  reader.grow('requests', 1);
  await time.advance(89 * SECOND);
  expect(sink.attempts).toBe(1);
  await time.advance(2 * SECOND);
  expect(sink.attempts).toBe(2);
});

test('a batch that is too large is halved until it fits, and later ones are as small', async () => {
  const sink = createScriptedSink();
  const { time, reader } = startLab([sink]);
  sink.behave(async ({ records }) => {
    if (records.length > 150) throw new SinkFailure('413', { kind: 'batch_too_large' });
  });
  reader.grow('requests', 400);
  await time.advance(MINUTE);
  expect(sink.taken).toEqual([
    'requests:1-100',
    'requests:101-200',
    'requests:201-300',
    'requests:301-400',
  ]);
  expect(sink.attempts).toBe(6);
});

test('a sink that hangs stops only itself', async () => {
  const [stuck, fine] = [createScriptedSink('stuck'), createScriptedSink('fine')];
  const { time, reader, exporter, statsOf } = startLab([stuck, fine]);
  stuck.behave(hang);
  for (let at = 0; at < 60; at += 1) {
    reader.grow('requests', 10);
    await time.advance(SECOND);
  }
  expect(stuck.attempts).toBe(1);
  expect(statsOf(0)).toMatchObject({ rows: 0, lagRows: 600 });
  expect(statsOf(1)).toMatchObject({ rows: 600, lagRows: 0 });
  // What retention may delete is what the slower one has.
  expect(exporter.exportedUpTo('requests')).toBe(0);
});

test('rows gather for a sink that wants few large batches', async () => {
  const sink = createScriptedSink('s3', MINUTE);
  const { time, reader } = startLab([sink]);
  for (let at = 0; at < 59; at += 1) {
    reader.grow('requests', 2);
    await time.advance(SECOND);
  }
  expect(sink.taken).toEqual([]);
  await time.advance(2 * SECOND);
  expect(sink.taken).toEqual(['requests:1-118']);
  reader.grow('requests', 1_100);
  await time.advance(SECOND);
  await time.advance(SECOND);
  expect(sink.taken.slice(1)).toEqual(['requests:119-618', 'requests:619-1118']);
  await time.advance(MINUTE);
  expect(sink.taken.slice(3)).toEqual(['requests:1119-1218']);
});

test('a restart between write and cursor repeats rows and loses none', async () => {
  const sink = createScriptedSink();
  const first = startLab([sink]);
  first.cursors.failure = new Error('disk full');
  first.reader.grow('requests', 3);
  await first.time.advance(SECOND);
  first.reader.grow('requests', 2);
  await first.time.advance(SECOND);
  // Rows do not wait for the cursor, and the log is told once.
  expect(sink.taken).toEqual(['requests:1-3', 'requests:4-5']);
  expect(first.book.events).toEqual(['export_cursor_not_written']);

  first.cursors.failure = undefined;
  const second = createScriptedSink();
  const again = startLab([second], first.cursors);
  again.reader.grow('requests', 6);
  await again.time.advance(SECOND);
  expect(second.taken).toEqual(['requests:1-6']);

  const third = createScriptedSink();
  const last = startLab([third], first.cursors);
  last.reader.grow('requests', 7);
  await last.time.advance(SECOND);
  expect(third.taken).toEqual(['requests:7-7']);
  expect(last.exporter.exportedUpTo('requests')).toBe(7);
});

test('rows that were purged before a new sink could have them are passed over', async () => {
  const sink = createScriptedSink();
  const { time, reader, statsOf } = startLab([sink]);
  reader.grow('requests', 10);
  reader.purge('requests', 4);
  reader.grow('admin_events', 5);
  reader.purge('admin_events', 5);
  await time.advance(SECOND);
  expect(sink.taken).toEqual(['requests:5-10']);
  expect(statsOf()).toMatchObject({ lagRows: 0, exported: { requests: 10, admin_events: 5 } });
});

test('books that cannot be read are told of once and asked again', async () => {
  const sink = createScriptedSink();
  const { time, reader, book, exporter } = startLab([sink]);
  await time.advance(SECOND);
  reader.failure = new Error('worker gone');
  reader.grow('requests', 1);
  await time.advance(10 * SECOND);
  expect(exporter.stats().readFailures).toBe(10);
  reader.failure = undefined;
  await time.advance(SECOND);
  expect(sink.taken).toEqual(['requests:1-1']);
  expect(book.events).toEqual(['export_reading_failed', 'export_reading_recovered']);
});

test('closing writes what is left, also what was gathering, and only then closes sinks', async () => {
  const sinks = [createScriptedSink('a'), createScriptedSink('s3', MINUTE)];
  const { time, reader, exporter, cursors } = startLab(sinks);
  await time.advance(SECOND);
  reader.grow('requests', 700);
  await exporter.close();
  for (const sink of sinks) {
    expect(sink.taken).toEqual(['requests:1-500', 'requests:501-700']);
    expect(sink.isClosed).toBe(true);
  }
  expect(cursors.moves).toContain('s3 requests 700');
  expect(time.pending()).toEqual([]);
  const { heads } = reader.asked;
  exporter.nudge();
  await exporter.close();
  await time.advance(MINUTE);
  expect(reader.asked.heads).toBe(heads);
});

test('closing tries a failing sink once more and does not wait for it', async () => {
  const sink = createScriptedSink();
  const { time, reader, exporter } = startLab([sink]);
  sink.behave(refuse);
  reader.grow('requests', 1);
  await time.advance(MINUTE);
  const { attempts } = sink;
  await exporter.close();
  expect(sink.attempts).toBe(attempts + 1);
  expect(sink.isClosed).toBe(true);
  expect(time.pending()).toEqual([]);
});

test('closing takes five seconds at most, and a late write moves no cursor', async () => {
  const { promise: late, resolve: wakeUp } = Promise.withResolvers<void>();
  const [deaf, polite] = [createScriptedSink('deaf'), createScriptedSink('polite')];
  const { time, reader, exporter, cursors } = startLab([deaf, polite]);
  deaf.behave(() => late);
  polite.behave(
    (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  );
  reader.grow('requests', 1);
  await time.advance(SECOND);
  let isClosed = false;
  const closing = exporter.close().then(() => {
    isClosed = true;
  });
  await time.advance(4_999);
  expect(isClosed).toBe(false);
  await time.advance(1);
  await closing;
  expect(polite.isClosed).toBe(true);
  wakeUp();
  await time.advance(MINUTE);
  expect(cursors.moves).toEqual([]);
  expect(time.pending()).toEqual([]);
});
