import { expect, test } from 'vitest';
import { outputBound, outputLimitToSend } from '../../../src/gateway/output-bound.ts';
import type { Call } from '../../../src/gateway/read.ts';
import type { Model } from '../../../src/routing/model-table.ts';
import { aKey } from '../../support/temp-store.ts';

function boundOf(
  asked: number | null,
  key: number | null,
  model: number | null,
  context: number | null,
) {
  const caller = aKey({ limits: { ...aKey({}).limits, maxOutputTokens: key } });
  const call: Pick<Call, 'shape'> = {
    shape: {
      ...{ model: 'm', stream: false, usageRequested: false, choices: 1, edits: [] },
      ...{ maxOutputTokens: asked, inputTokens: 1_000 },
    },
  };
  const target: Pick<Model, 'maxOutputTokens' | 'longestContextTokens'> = {
    maxOutputTokens: model,
    longestContextTokens: context,
  };
  return outputBound(target as Model, call as Call, caller);
}

test.each([
  // request, key, model, context → bound, by, told when budgeted, told otherwise
  [null, null, null, null, 16_384, 'assumed', 16_384, null],
  [500, null, null, null, 500, 'request', null, null],
  [500, 400, null, null, 400, 'key', 400, 400],
  [null, 400, null, null, 400, 'key', 400, 400],
  [300, 400, 350, null, 300, 'request', null, null],
  [500, null, 450, null, 450, 'model', 450, 450],
  [null, null, 450, null, 450, 'model', 450, null],
  [null, 500, 450, 40, 40, 'context', null, null],
  // The input of 1,000 is an estimate: what it leaves of the context is not known.
  [null, null, null, 995, 995, 'context', null, null],
] as const)('request %s, key %s, model %s, context %s', (...row) => {
  const [asked, key, model, left, tokens, by, budgeted, free] = row;
  const bound = boundOf(asked, key, model, left);
  expect(bound).toEqual({ tokens, by });
  expect(outputLimitToSend(bound, asked, true)).toBe(budgeted);
  expect(outputLimitToSend(bound, asked, false)).toBe(free);
});
