import { describe, expect, test } from 'vitest';
import { GateError } from '../../../src/core/error.ts';
import { createRequestTags } from '../../../src/gateway/request-tags.ts';
import { aKey } from '../../support/temp-store.ts';

const key = aKey({ id: 'K00000000001', tags: { env: 'prod' } });
const other = aKey({ id: 'K00000000002', tags: {} });

describe('tags of a request', () => {
  test('without a header they are those of the key', () => {
    expect(createRequestTags().of(key, null)).toBe(key.tags);
  });

  test.each([
    ['project=x1', { project: 'x1', env: 'prod' }],
    [' project = x 1 , step=plan ,', { project: 'x 1', step: 'plan', env: 'prod' }],
    ['empty=', { empty: '', env: 'prod' }],
    ['a=b=c', { a: 'b=c', env: 'prod' }],
    ['env=dev', { env: 'prod' }],
    ['a=1,a=2', { a: '2', env: 'prod' }],
  ])('%s', (header, tags) => {
    expect(createRequestTags().of(key, header)).toEqual(tags);
  });

  test.each([
    'nothing',
    '=x',
    'a b=c',
    '-a=b',
    `${'a'.repeat(65)}=b`,
    `a=${'b'.repeat(129)}`,
    'a=\u00e9',
    'a=b\u0000',
    '1=1,2=2,3=3,4=4,5=5,6=6,7=7,8=8,9=9',
    `a=${'b'.repeat(2_000)}`,
  ])('%j is no list of tags', (header) => {
    const ask = () => createRequestTags().of(key, header);
    expect(ask).toThrow(GateError);
    expect(ask).toThrow(/x-llmgate-tags/);
  });

  test('the same header gives the same object, so that it is numbered once', () => {
    const tags = createRequestTags();
    expect(tags.of(key, 'a=1')).toBe(tags.of(key, 'a=1'));
    expect(tags.of({ ...key, tags: { env: 'dev' } }, 'a=1')).toEqual({ a: '1', env: 'dev' });
  });

  test('a caller who numbers its requests loses its tags, and nobody else does', () => {
    const tags = createRequestTags({ setsPerKey: 3 });
    for (const step of ['1', '2', '3']) {
      expect(tags.of(key, `step=${step}`)).toEqual({ step, env: 'prod' });
    }
    expect(tags.of(key, 'step=4')).toBe(key.tags);
    expect(tags.of(key, 'step=3')).toEqual({ step: '3', env: 'prod' });
    expect(tags.of(other, 'step=4')).toEqual({ step: '4' });
    expect(tags.leftOut).toBe(1);
  });

  test('what is remembered of all keys is bounded', () => {
    const tags = createRequestTags({ setsPerKey: 2, setsRemembered: 3 });
    tags.of(key, 'a=1');
    tags.of(key, 'a=2');
    tags.of(other, 'a=1');
    // The fourth starts the memory anew, and with it what this key may have.
    expect(tags.of(key, 'a=3')).toBe(key.tags);
    expect(tags.of(other, 'a=2')).toEqual({ a: '2' });
    expect(tags.of(key, 'a=3')).toEqual({ a: '3', env: 'prod' });
  });
});
