import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLineSink } from '../../../src/observe/line-sink.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function openSink() {
  const written: string[] = [];
  const done: ((failed: boolean) => void)[] = [];
  const sink = createLineSink((text, taken) => {
    written.push(text);
    done.push(taken);
  });
  return { sink, written, take: (failed = false) => done.shift()?.(failed) };
}

test('lines wait for others, for a quarter of a second at most', () => {
  const { sink, written } = openSink();
  sink.write('a\n');
  sink.write('b\n');
  vi.advanceTimersByTime(249);
  expect(written).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(written).toEqual(['a\nb\n']);
});

test('much is written at once', () => {
  const { sink, written } = openSink();
  const line = `${'x'.repeat(1_023)}\n`;
  for (let at = 0; at < 16; at += 1) sink.write(line);
  expect(written).toEqual([line.repeat(16)]);
});

test('one write at a time: what comes meanwhile goes out together after it', () => {
  const { sink, written, take } = openSink();
  sink.write('a\n');
  sink.flush();
  sink.write('b\n');
  vi.advanceTimersByTime(10_000);
  sink.write('c\n');
  expect(written).toEqual(['a\n']);
  take();
  vi.advanceTimersByTime(250);
  expect(written).toEqual(['a\n', 'b\nc\n']);
  expect(sink.dropped).toBe(0);
});

test('a reader that is stuck costs a megabyte and counted lines, and gets the rest when it reads', () => {
  const { sink, written, take } = openSink();
  sink.write('first\n');
  sink.flush();
  const line = `${'x'.repeat(1_023)}\n`;
  for (let at = 0; at < 5_000; at += 1) sink.write(line);
  expect(written).toHaveLength(1);
  expect(sink.dropped).toBe(5_000 - 1_024);
  take();
  expect(written[1]).toHaveLength(1024 * 1024);
  sink.write('after\n');
  take();
  vi.advanceTimersByTime(250);
  expect(written[2]).toBe('after\n');
});

test('lines that could not be written are counted', () => {
  const { sink, take } = openSink();
  for (const line of ['a\n', 'b\n', 'c\n']) sink.write(line);
  sink.flush();
  take(true);
  expect(sink.dropped).toBe(3);
});

test('the end does not wait for a write that is under way', () => {
  const { sink, written } = openSink();
  sink.write('a\n');
  sink.flush();
  sink.write('b\n');
  sink.flush();
  sink.flush();
  expect(written).toEqual(['a\n', 'b\n']);
});
