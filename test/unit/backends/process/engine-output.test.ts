import { describe, expect, test } from 'vitest';
import { EngineOutput } from '../../../../src/backends/process/engine-output.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';

function openOutput(secrets: readonly string[] = []) {
  const clock = createFakeClock();
  const lines: string[] = [];
  const dropped: number[] = [];
  const output = new EngineOutput({
    ...{ clock, secrets },
    onLine: (line) => lines.push(line),
    onDropped: (count) => dropped.push(count),
  });
  const write = (text: string, from?: 'stderr') => output.write(Buffer.from(text), from);
  return { clock, lines, dropped, output, write };
}

describe('what an engine writes', () => {
  test.each([
    ['lines, however they come in pieces', ['INFO a\nIN', 'FO b\n'], ['INFO a', 'INFO b']],
    ['colours and titles', ['\u001b[32mINFO\u001b[0m \u001b]0;title\u0007up\n'], ['INFO up']],
    ['controls and turned text', ['a\u0000b\u0085c\u202ed\n'], ['a b c d']],
    ['a progress bar as it was left', ['10%\r50%\r100%\n'], ['100%']],
    ['empty lines are none', ['\n \n\r\n'], []],
    ['what is no UTF-8', ['\ud800\n'], ['\ufffd']],
  ])('%s', (_, pieces, expected) => {
    const { lines, write } = openOutput();
    for (const piece of pieces) write(piece);
    expect(lines).toEqual(expected);
  });

  test('what it writes to both of its outputs does not meet in one line', () => {
    const { lines, output, write } = openOutput(['correct-horse-battery']);
    write('\r10%', 'stderr');
    write('key=correct-ho');
    write('\r90%\n', 'stderr');
    write('rse-battery\n');
    write('\rdone', 'stderr');
    output.end();
    expect(lines).toEqual(['90%', 'key=[SECRET]', 'done']);
  });

  test('a last line without its end', () => {
    const { lines, output, write } = openOutput();
    write('terminate called');
    expect(lines).toEqual([]);
    output.end();
    expect(lines).toEqual(['terminate called']);
  });

  test('a line without end takes no memory and is cut', () => {
    const { lines, write } = openOutput();
    for (let piece = 0; piece < 10_000; piece += 1) write('x'.repeat(1_000));
    write('\nnext\n');
    expect(lines.map(({ length }) => length)).toEqual([501, 4]);
  });

  test('too many lines are counted, and the last twenty kept', () => {
    const { clock, lines, dropped, output, write } = openOutput();
    for (let line = 0; line < 1_000; line += 1) write(`line ${line}\n`);
    expect(lines).toHaveLength(50);
    expect(output.last).toEqual(Array.from({ length: 20 }, (_, index) => `line ${980 + index}`));
    clock.advance(1_000);
    write('later\n');
    expect(dropped).toEqual([950]);
    expect(lines.at(-1)).toBe('later');
  });

  test('keys it was given, and what looks like one', () => {
    const { lines, write } = openOutput(['correct-horse-battery']);
    write(
      "args: {'api_key': ['correct-horse-battery'], 'token': 'hf_abcdefABCDEF0123456789xyz'}\n",
    );
    expect(lines).toEqual(["args: {'api_key': ['[SECRET]'], 'token': '[SECRET]'}"]);
  });
});
