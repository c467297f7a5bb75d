import { describe, expect, test } from 'vitest';
import { fitText, renderCell } from '../../../src/tui/cell-text.ts';
import {
  renderBytes,
  renderCount,
  renderDuration,
  renderMs,
  renderPart,
  renderRate,
  renderUsd,
} from '../../../src/tui/figures.ts';
import { parseIntervalMs } from '../../../src/tui/interval.ts';
import { countsBetween, quantileOf } from '../../../src/tui/quantile.ts';
import { renderBar, renderSparkline } from '../../../src/tui/sparkline.ts';

describe('figures', () => {
  test.each<[string, string, string]>([
    ['nothing', renderCount(null), '-'],
    ['0', renderCount(0), '0'],
    ['999', renderCount(999), '999'],
    ['1,000', renderCount(1_000), '1.00k'],
    ['999,499', renderCount(999_499), '999k'],
    ['999,500', renderCount(999_500), '1.00M'],
    ['less than nothing', renderCount(-1_234), '-1.23k'],
    ['no number', renderCount(Number.NaN), '-'],
    ['a rate of a hair less', renderRate(49.999999), '50'],
    ['a small rate', renderRate(0.0333), '0.03'],
    ['a short time', renderMs(0.84), '0.8 ms'],
    ['999.4 ms', renderMs(999.4), '999 ms'],
    ['a second', renderMs(999.6), '1.0 s'],
    ['a minute', renderMs(60_000), '1m 0s'],
    ['hours', renderDuration(3_600_000 * 5 + 60_000), '5h 1m'],
    ['days', renderDuration(86_400_000 * 3 + 3_600_000), '3d 1h'],
    ['a clock that ran back', renderDuration(-5), '0s'],
    ['no money', renderUsd(0), '0'],
    ['little money', renderUsd(0.000161234), '$0.000161'],
    ['money', renderUsd(7.2), '$7.20'],
    ['much money', renderUsd(123_456), '$123k'],
    ['a small part', renderPart(0.005), '0.5%'],
    ['a part', renderPart(0.42), '42%'],
    ['memory', renderBytes(98e9), '98.0GB'],
  ])('%s', (_, rendered, expected) => {
    expect(rendered).toBe(expected);
  });
});

describe('quantileOf', () => {
  const BOUNDS = [10, 20, 40];

  test.each([
    [[0, 0, 0, 0], 0.5, null],
    [[10, 0, 0, 0], 0.5, 5],
    [[5, 5, 0, 0], 0.5, 10],
    [[5, 5, 0, 0], 0.75, 15],
    [[0, 0, 4, 0], 1, 40],
    [[0, 0, 0, 3], 0.5, 40],
    [[1, 0, 0, 99], 0.99, 40],
    [[0, 10, 0, 0], 0, 10],
  ])('of %j at %d is %j', (counts, q, expected) => {
    expect(quantileOf(BOUNDS, counts, q)).toBe(expected);
  });

  test('without bounds there is nothing to tell', () => {
    expect(quantileOf([], [5], 0.5)).toBeNull();
  });

  test('a counter that ran back counts as none', () => {
    expect(countsBetween([5, 1], [3, 4, 2])).toEqual([0, 3, 2]);
  });
});

describe('curves', () => {
  test.each([
    [[], 4, '    '],
    [[0, 0], 4, '  ▁▁'],
    [[1, 2, 4, 8], 4, '▂▃▅█'],
    [[0.001, 100], 2, '▂█'],
    [[5, null, 5], 3, '█ █'],
    [[1, 2, 3, 4, 5], 2, '▇█'],
    [[1], 0, ''],
  ])('%j in %i cells', (values, width, expected) => {
    expect(renderSparkline(values, width)).toBe(expected);
  });

  test.each([
    [0, 6, '[----]'],
    [0.5, 6, '[##--]'],
    [1.5, 6, '[####]'],
    [null, 6, '[----]'],
    [1, 1, '['],
  ])('%j in a bar of %i', (part, width, expected) => {
    expect(renderBar(part, width)).toBe(expected);
  });
});

describe('cells', () => {
  test.each([
    ['plain', 10, 'plain'],
    ['too long', 5, 'too …'],
    ['漢字漢字', 8, '漢字漢字'],
    ['漢字漢字', 7, '漢字漢…'],
    ['漢字', 3, '漢…'],
    ['漢', 1, '…'],
    ['\x1b[31m', 12, '\\x1b[31m'],
    ['a\u202eb', 10, 'a\\u202eb'],
    ['\ud83d', 10, '\\ud83d'],
    ['anything', 0, ''],
    ['', 3, ''],
  ])('%j in %i cells is %j', (text, width, expected) => {
    expect(fitText(text, width)).toBe(expected);
  });

  test('a slice through a pair does not make half a character of it', () => {
    const text = '👍'.repeat(1_000);
    for (const width of [3, 4, 5, 6]) expect(fitText(text, width)).toMatch(/^👍+…$/u);
  });

  test('a megabyte is not measured', () => {
    const text = `${'漢'.repeat(1_000_000)}`;
    const startedMs = performance.now();
    for (let turn = 0; turn < 100; turn += 1) fitText(text, 20);
    expect(performance.now() - startedMs).toBeLessThan(200);
  });

  test('cells are filled up by what they take on the screen', () => {
    expect(renderCell('漢字', { width: 6 })).toBe('漢字  ');
    expect(renderCell('漢字', { width: 6, align: 'right' })).toBe('  漢字');
    expect(renderCell('漢字', { width: 3 })).toBe('漢…');
  });
});

test.each([
  ['100ms', 100],
  ['1', 1_000],
  ['10s', 10_000],
  ['99ms', null],
  ['11s', null],
  ['', null],
  ['s', null],
  ['1m', null],
  ['-1s', null],
])('an interval of %j is %j', (text, expected) => {
  expect(parseIntervalMs(text)).toBe(expected);
});
