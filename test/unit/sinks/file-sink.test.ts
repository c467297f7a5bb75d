import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createFileSink } from '../../../src/sinks/file-sink.ts';
import type { AuditBatch } from '../../../src/sinks/record.ts';
import { SinkFailure } from '../../../src/sinks/sink-failure.ts';
import { aBatch, toLines } from '../../support/some-records.ts';
import { tempDir } from '../../support/temp-store.ts';

const signal = new AbortController().signal;

function openFile(path = join(tempDir(), 'audit.jsonl')) {
  const sink = createFileSink({ id: 'file', path });
  onTestFinished(() => sink.close());
  return {
    path,
    write: (batch: AuditBatch) => sink.write(batch, signal),
    close: () => sink.close(),
    text: () => readFileSync(path, 'utf8'),
  };
}

test('lines are appended to a file that only its owner may read', async () => {
  const file = openFile();
  await file.write(aBatch(1, 3));
  await file.write(aBatch(4, 4));
  expect(file.text()).toBe(toLines(aBatch(1, 4)));
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
});

test('a file that exists keeps what it has', async () => {
  const file = openFile();
  await file.write(aBatch(1, 1));
  await file.close();
  const again = openFile(file.path);
  await again.write(aBatch(2, 2));
  expect(file.text()).toBe(toLines(aBatch(1, 2)));
});

test('renamed away by a rotation: a new file is begun and the old one left alone', async () => {
  const file = openFile();
  await file.write(aBatch(1, 2));
  renameSync(file.path, `${file.path}.1`);
  await file.write(aBatch(3, 4));
  expect(readFileSync(`${file.path}.1`, 'utf8')).toBe(toLines(aBatch(1, 2)));
  expect(file.text()).toBe(toLines(aBatch(3, 4)));
});

test('renamed and made anew by a rotation: the new file is used', async () => {
  const file = openFile();
  await file.write(aBatch(1, 2));
  renameSync(file.path, `${file.path}.1`);
  writeFileSync(file.path, '');
  await file.write(aBatch(3, 4));
  expect(file.text()).toBe(toLines(aBatch(3, 4)));
});

test('emptied in its place by a rotation: lines go on from the start', async () => {
  const file = openFile();
  await file.write(aBatch(1, 2));
  truncateSync(file.path);
  await file.write(aBatch(3, 4));
  expect(file.text()).toBe(toLines(aBatch(3, 4)));
});

test('removed: made again', async () => {
  const file = openFile();
  await file.write(aBatch(1, 2));
  rmSync(file.path);
  await file.write(aBatch(3, 4));
  expect(file.text()).toBe(toLines(aBatch(3, 4)));
});

const whole = toLines(aBatch(1, 2));
const next = toLines(aBatch(3, 3));

// Wherever a crash cuts the line: it comes again, because its row was never taken for delivered.
test('whatever part of a line a crash left, no broken line stays', async () => {
  for (let kept = 1; kept < next.length; kept += 7) {
    const file = openFile();
    writeFileSync(file.path, whole + next.slice(0, kept));
    await file.write(aBatch(3, 3));
    expect(file.text()).toBe(whole + next);
    await file.close();
  }
});

test('a half line that is the whole file, and one longer than a block', async () => {
  const first = openFile();
  writeFileSync(first.path, whole.slice(0, 5));
  await first.write(aBatch(1, 2));
  expect(first.text()).toBe(whole);

  const long = openFile();
  writeFileSync(long.path, `${whole}{"schema":1,"x":"${'x'.repeat(200_000)}`);
  await long.write(aBatch(3, 3));
  expect(long.text()).toBe(whole + next);
});

test.each(['precious notes', 'a line\nand {"schema":2,', `${whole}{"schema":"1"`])(
  'a file that ends in something else is not touched: %j',
  async (content) => {
    const file = openFile();
    writeFileSync(file.path, content);
    await expect(file.write(aBatch(1, 1))).rejects.toThrow(
      'the file ends in something that llmgate did not write',
    );
    expect(file.text()).toBe(content);
  },
);

test('a folder, a missing folder, a device: a failure, and the next write tries again', async () => {
  const dir = tempDir();
  const missing = openFile(join(dir, 'not-yet', 'audit.jsonl'));
  await expect(missing.write(aBatch(1, 1))).rejects.toThrow('writing failed (ENOENT)');
  mkdirSync(join(dir, 'not-yet'));
  await missing.write(aBatch(1, 1));
  expect(missing.text()).toBe(toLines(aBatch(1, 1)));

  await expect(openFile(dir).write(aBatch(1, 1))).rejects.toThrow(SinkFailure);
  await expect(openFile('/dev/null').write(aBatch(1, 1))).rejects.toThrow('not a regular file');
});

test('a pipe that nobody reads does not hold the export up', async () => {
  const path = join(tempDir(), 'pipe');
  expect(Bun.spawnSync(['mkfifo', path]).exitCode).toBe(0);
  await expect(openFile(path).write(aBatch(1, 1))).rejects.toThrow(SinkFailure);
});

test.skipIf(Bun.which('prlimit') === null)(
  'full in the middle of a line: none is broken, and none missing when there is room again',
  async () => {
    const file = openFile();
    await file.write(aBatch(1, 2));
    const limitBytes = Buffer.byteLength(whole + next) + 20;
    using limit = limitFileSizes(limitBytes);
    await expect(file.write(aBatch(3, 5))).rejects.toThrow('writing failed (EFBIG)');
    expect(statSync(file.path).size).toBe(limitBytes);
    await expect(file.write(aBatch(3, 5))).rejects.toThrow('writing failed (EFBIG)');
    limit.lift();
    await file.write(aBatch(3, 5));
    // What got in whole comes again, what got in half was cut.
    expect(file.text()).toBe(whole + next + toLines(aBatch(3, 5)));
  },
);

/** What a full disk does, for every file of this process: writes end in their middle. */
function limitFileSizes(sizeBytes: number): Disposable & { lift(): void } {
  const limit = (soft: string) =>
    Bun.spawnSync(['prlimit', '--pid', String(process.pid), `--fsize=${soft}:unlimited`]);
  const ignore = () => {};
  // Without a listener the signal that comes with the error would end the process.
  process.on('SIGXFSZ', ignore);
  expect(limit(String(sizeBytes)).exitCode).toBe(0);
  const lift = () => void limit('unlimited');
  return {
    lift,
    [Symbol.dispose]() {
      lift();
      process.off('SIGXFSZ', ignore);
    },
  };
}
