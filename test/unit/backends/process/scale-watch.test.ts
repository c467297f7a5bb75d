import { describe, expect, test } from 'vitest';
import { type ScaleBounds, ScaleWatch } from '../../../../src/backends/process/scale-watch.ts';

const bounds: ScaleBounds = {
  up: { waiting: 10, utilisation: 0.9, forMs: 30_000 },
  down: { waiting: 0, utilisation: 0.2, forMs: 60_000 },
  cooldownMs: 120_000,
};

type Load = (second: number) => readonly [waiting: number, utilisation: number | null];

/** Says when what was asked for, with one look per second. */
function watch(load: Load, seconds: number) {
  const scale = new ScaleWatch(bounds);
  const said: string[] = [];
  for (let second = 0; second <= seconds; second += 1) {
    const [waiting, utilisation] = load(second);
    const signal = scale.note({ waiting, utilisation }, second * 1_000);
    if (signal !== null) said.push(`${second} ${signal.direction} ${signal.times}`);
  }
  return said;
}

describe('asks', () => {
  const rows: readonly [string, Load, number, string[]][] = [
    ['for more: so many wait for so long', () => [10, 0], 100, ['30 up 1']],
    ['for more: so full for so long', () => [0, 0.95], 100, ['30 up 1']],
    ['again while it stays so', () => [50, 1], 300, ['30 up 1', '150 up 2', '270 up 3']],
    ['for fewer: all of it is low', () => [0, 0.1], 100, ['60 down 1']],
    ['for nothing: one of it is not low', () => [0, 0.5], 1_000, []],
    ['for nothing: it is not known how full it is', () => [0, null], 1_000, []],
    ['for more: so many wait, however full it is', () => [10, null], 100, ['30 up 1']],
    ['for nothing between the bounds', () => [5, 0.5], 1_000, []],
    ['for nothing when it does not last', (s) => [s % 29 === 0 ? 0 : 20, 0.5], 1_000, []],
    ['from the beginning after a break', (s) => [s === 20 ? 9 : 10, 0.5], 60, ['51 up 1']],
    [
      'for fewer only after what was asked for has had its time',
      (s) => (s <= 40 ? [20, 1] : [0, 0]),
      300,
      ['30 up 1', '150 down 1', '270 down 2'],
    ],
  ];
  test.each(rows)('%s', (_, load, seconds, said) => {
    expect(watch(load, seconds)).toEqual(said);
  });

  test('in one direction only when the other has no bound', () => {
    const scale = new ScaleWatch({ ...bounds, down: null, cooldownMs: 0 });
    expect(scale.note({ waiting: 0, utilisation: 0 }, 0)).toBeNull();
    expect(scale.note({ waiting: 0, utilisation: 0 }, 1e9)).toBeNull();
  });
});
