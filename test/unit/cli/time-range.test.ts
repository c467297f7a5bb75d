import { describe, expect, test } from 'vitest';
import { CliError } from '../../../src/cli/exit-code.ts';
import { parseTimeRange } from '../../../src/cli/time-range.ts';

const NOW = Date.UTC(2026, 10, 18, 10, 30);

describe('a time says when a range starts and ends', () => {
  test.each([
    ['7d', undefined, '2026-11-11T10:30', '2026-11-18T10:30'],
    ['24h', undefined, '2026-11-17T10:30', '2026-11-18T10:30'],
    ['1.5h', undefined, '2026-11-18T09:00', '2026-11-18T10:30'],
    ['today', undefined, '2026-11-18T00:00', '2026-11-18T10:30'],
    ['yesterday', 'yesterday', '2026-11-17T00:00', '2026-11-18T00:00'],
    ['this-month', 'this-month', '2026-11-01T00:00', '2026-12-01T00:00'],
    ['last-month', 'last-month', '2026-10-01T00:00', '2026-11-01T00:00'],
    ['2026-11', '2026-11', '2026-11-01T00:00', '2026-12-01T00:00'],
    ['2025-12', '2025-12', '2025-12-01T00:00', '2026-01-01T00:00'],
    ['2024-02-29', '2024-02-29', '2024-02-29T00:00', '2024-03-01T00:00'],
    ['2026-11-01', '24h', '2026-11-01T00:00', '2026-11-17T10:30'],
    ['2026-11-18T08:00:00+02:00', 'now', '2026-11-18T06:00', '2026-11-18T10:30'],
    ['2026-11-18T08:00', 'now', '2026-11-18T08:00', '2026-11-18T10:30'],
    ['2026-11-18T08:00:00Z', '2026-11-18T09:00:00Z', '2026-11-18T08:00', '2026-11-18T09:00'],
  ])('%s until %s', (since, until, from, to) => {
    const { sinceMs, untilMs } = parseTimeRange(since, until, NOW);
    expect([sinceMs, untilMs].map((timeMs) => new Date(timeMs).toISOString().slice(0, 16))).toEqual(
      [from, to],
    );
  });

  test.each([
    ['7', undefined, '--since: "7" is no time'],
    ['', undefined, '--since: "" is no time'],
    ['2026-02-30', undefined, '--since: "2026-02-30" is no time'],
    ['2026-13', undefined, '--since: "2026-13" is no time'],
    ['2026-02-30T10:00:00Z', undefined, 'is no time'],
    ['2026-11-18T25:00', undefined, 'is no time'],
    ['tomorrow', undefined, 'is no time'],
    ['7d', '7x', '--until: "7x" is no time'],
    ['now', undefined, 'is not before now'],
    ['2026-12', undefined, 'is not before now'],
    ['today', 'yesterday', 'is not before --until yesterday (2026-11-18T00:00:00.000Z)'],
  ])('%s until %s is refused with exit code 2', (since, until, message) => {
    let refusal: unknown;
    try {
      parseTimeRange(since, until, NOW);
    } catch (cause) {
      refusal = cause;
    }
    expect(refusal).toBeInstanceOf(CliError);
    expect(refusal).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) });
  });
});
