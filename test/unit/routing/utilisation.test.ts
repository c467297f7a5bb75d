import { expect, test } from 'vitest';
import type { ReplicaStanding } from '../../../src/routing/scheduling.ts';
import { utilisationOf } from '../../../src/routing/utilisation.ts';

function standing(inFlight: number, places: number | null): ReplicaStanding {
  return { backend: 'gpu', inFlight, places, prefillTokens: 0, ttftMs: null, failureRate: 0 };
}

test.each([
  ['half of two', [standing(4, 10), standing(6, 10)], 0.5],
  ['one without a bound beside a full one', [standing(64, 64), standing(3, null)], null],
  ['one without a bound that has nothing to do', [standing(0, null)], null],
  ['one that was never asked beside another', [undefined, standing(1, 4)], 0.25],
  ['nobody was ever asked', [undefined], 0],
  ['more than there is room for, after a reload', [standing(9, 4)], 1],
] as const)('utilisation: %s', (_, standings, part) => {
  expect(utilisationOf(standings)).toBe(part);
});
