import { describe, expect, test } from 'vitest';
import { conditionHolds } from '../../../src/routing/condition-holds.ts';
import type { RequestCondition } from '../../../src/routing/request-condition.ts';
import { modelsOf } from '../../support/model-of.ts';
import { requestFacts } from '../../support/request-facts.ts';

/** A condition as it is written in a configuration. */
function when(yaml: string): RequestCondition {
  const model = modelsOf(`  m:
    targets: [gpu0]
    rules: [{ when: ${yaml}, labels: [local] }]`)('m');
  const [rule] = model.routing.rules;
  if (rule === undefined) throw new Error('no rule');
  return rule.when;
}

describe('one member', () => {
  test.each([
    ['{}', {}, true],
    ['{ header: { X-Data: secret } }', { headers: { 'x-data': 'secret' } }, true],
    ['{ header: { X-Data: secret } }', { headers: { 'x-data': 'public' } }, false],
    ['{ header: { X-Data: "*" } }', { headers: { 'x-data': '' } }, true],
    ['{ header: { X-Data: "*" } }', {}, false],
    ['{ header: { a: "1", b: "2" } }', { headers: { a: '1' } }, false],
    ['{ key: key1 }', {}, true],
    ['{ key: "a k*" }', {}, true],
    ['{ key: [key2, key3] }', {}, false],
    ['{ user: "ann*" }', { user: 'anna' }, true],
    ['{ user: "*" }', {}, false],
    ['{ team: [red, blue] }', { team: 'blue' }, true],
    ['{ team: [red, blue] }', { team: 'bluer' }, false],
    ['{ tenant: acme }', { tenant: 'acme' }, true],
    ['{ tag: { data: secret } }', { tags: { data: 'secret' } }, true],
    ['{ tag: { data: secret } }', { tags: { other: 'secret' } }, false],
    ['{ tag: { constructor: "*" } }', { tags: {} }, false],
    ['{ parameter: { n: 2 } }', { body: { n: '2' } }, true],
    ['{ parameter: { store: true } }', { body: { store: 'false' } }, false],
    ['{ endpoint: chat }', {}, true],
    ['{ endpoint: [embeddings, rerank] }', {}, false],
    ['{ stream: true }', {}, false],
    ['{ stream: false }', {}, true],
    ['{ input_tokens_over: 99 }', {}, true],
    ['{ input_tokens_over: 100 }', {}, false],
    ['{ team: red, stream: true }', { team: 'red' }, false],
    ['{ team: red, stream: false }', { team: 'red' }, true],
  ])('%s of %o: %s', (yaml, facts, expected) => {
    expect(conditionHolds(when(yaml), requestFacts(facts))).toBe(expected);
  });
});

describe('times', () => {
  test.each([
    ['{ between: "09:00-17:00" }', '3 08:59', false],
    ['{ between: "09:00-17:00" }', '3 09:00', true],
    ['{ between: "09:00-17:00" }', '3 16:59', true],
    ['{ between: "09:00-17:00" }', '3 17:00', false],
    ['{ between: "22:00-06:00" }', '3 22:00', true],
    ['{ between: "22:00-06:00" }', '3 05:59', true],
    ['{ between: "22:00-06:00" }', '3 06:00', false],
    ['{ between: "18:00-24:00" }', '3 23:59', true],
    ['{ weekdays: [sat, sun] }', '6 00:00', true],
    ['{ weekdays: [sat, sun] }', '5 23:59', false],
    ['{ weekdays: [fri], between: "22:00-06:00" }', '5 23:00', true],
    ['{ weekdays: [fri], between: "22:00-06:00" }', '6 05:00', true],
    ['{ weekdays: [fri], between: "22:00-06:00" }', '5 05:00', false],
    ['{ weekdays: [sun], between: "22:00-06:00" }', '1 05:00', true],
  ])('%s at %s: %s', (yaml, time, expected) => {
    expect(conditionHolds(when(yaml), requestFacts({ time }))).toBe(expected);
  });
});

test('nothing is looked up that no condition asks for, and nothing dear before what is cheap', () => {
  const facts = requestFacts();
  conditionHolds(when('{}'), facts);
  conditionHolds(
    when('{ stream: true, header: { a: b }, between: "00:00-12:00", parameter: { n: 1 } }'),
    facts,
  );
  expect(facts.asked).toEqual([]);
});
