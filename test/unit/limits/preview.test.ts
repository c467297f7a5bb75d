import { expect, test } from 'vitest';
import { createLimiter } from '../../../src/limits/limiter.ts';
import type { LimitRule } from '../../../src/limits/rule.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { someKey } from '../../support/some-key.ts';
import { thrownBy } from '../../support/thrown.ts';

const NOTHING = { per: 'key', model: null, endpoint: null, requests: null, tokens: null } as const;
const RULES: LimitRule[] = [
  { ...NOTHING, requests: { count: 60, windowMs: 60_000, burst: 2 }, concurrent: null },
  { ...NOTHING, tokens: { count: 600, windowMs: 60_000, burst: 600 }, concurrent: null },
  { ...NOTHING, concurrent: 2 },
  // Of another model: it does not apply.
  { ...NOTHING, model: 'big', concurrent: 1 },
];
const SUBJECT = { key: someKey(), model: 'small', endpoint: 'chat' } as const;

test('every limit that applies, and nothing is taken by looking', () => {
  const limiter = createLimiter({ rules: RULES, clock: createFakeClock() });
  for (let look = 0; look < 5; look += 1) {
    expect(limiter.preview(SUBJECT, 100)).toMatchObject({
      limits: [
        { name: '60 requests per minute for each key', limit: 2, remaining: 2, waitMs: 0 },
        { name: '600 tokens per minute for each key', limit: 600, remaining: 600, waitMs: 0 },
        { name: '2 requests at a time for each key', limit: 2, remaining: 2, waitMs: 0 },
      ],
      refusal: null,
    });
  }
  expect(limiter.stats()).toMatchObject({ admitted: 0, refused: 0 });
});

test('what it would be told is what it is told', () => {
  const limiter = createLimiter({ rules: RULES, clock: createFakeClock() });
  limiter.admit(SUBJECT, 590);
  const preview = limiter.preview(SUBJECT, 100);
  expect(preview.limits.map(({ remaining, waitMs }) => [remaining, waitMs])).toEqual([
    ...[
      [1, 0],
      [10, 9_000],
      [1, 0],
    ],
  ]);
  expect(limiter.stats().refused).toBe(0);
  expect(thrownBy(() => limiter.admit(SUBJECT, 100))).toEqual(preview.refusal);
  limiter.admit(SUBJECT, 5);
  const full = limiter.preview(SUBJECT, 1);
  expect(full.limits.at(-1)).toMatchObject({ remaining: 0, waitMs: Number.POSITIVE_INFINITY });
});

test('a key without limits meets none', () => {
  const limiter = createLimiter({ rules: [], clock: createFakeClock() });
  expect(limiter.preview(SUBJECT, 1e9)).toEqual({ limits: [], refusal: null });
});
