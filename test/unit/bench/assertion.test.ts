import { describe, expect, test } from 'vitest';
import { isKept, parseAssertion, percentileOf } from '../../../src/bench/assertion.ts';

describe('parse', () => {
  test.each([
    ['ttft_p99<500ms', 'p99_ttft_ms', '<', 500],
    ['p99_ttft_ms<500', 'p99_ttft_ms', '<', 500],
    ['e2el_p99.9<=2s', 'p99.9_e2el_ms', '<=', 2_000],
    ['itl_mean > 100us', 'mean_itl_ms', '>', 0.1],
    ['median_tpot>=1', 'median_tpot_ms', '>=', 1],
    ['client_queue_time_max<1ms', 'max_client_queue_time_ms', '<', 1],
    ['e2el_from_send_p50<1ms', 'p50_e2el_from_send_ms', '<', 1],
    ['added_ttft_p50<1ms', 'added_p50_ttft_ms', '<', 1],
    ['added_ttft_median<1ms', 'added_p50_ttft_ms', '<', 1],
    ['added_e2el_mean<-0.5ms', 'added_mean_e2el_ms', '<', -0.5],
    ['error_ratio<=1%', 'error_ratio', '<=', 0.01],
    ['request_throughput>=99.5', 'request_throughput', '>=', 99.5],
    [' failed < 1 ', 'failed', '<', 1],
  ])('%s', (text, field, comparison, bound) => {
    expect(parseAssertion(text)).toEqual({ text: text.trim(), field, comparison, bound });
  });

  test.each([
    ['ttft_p99', 'one of < <= > >='],
    ['ttft_p99=500', 'one of < <= > >='],
    ['ttft_p99<>500', 'one of < <= > >='],
    ['ttft<500ms', 'no figure "ttft"'],
    ['ttft_p100<500ms', 'no figure "ttft_p100"'],
    ['speed_p99<500ms', 'no figure "speed_p99"'],
    ['ttft_p99<fast', '"fast" is no bound'],
    ['ttft_p99<5%', '"5%" is no bound'],
    ['error_ratio<5ms', '"5ms" is no bound'],
    ['ttft_p99<', 'one of < <= > >='],
    ['', 'one of < <= > >='],
  ])('%j is refused', (text, message) => {
    expect(() => parseAssertion(text)).toThrow(message);
  });
});

test.each([
  ['<', 5, [true, false, false]],
  ['<=', 5, [true, true, false]],
  ['>', 5, [false, false, true]],
  ['>=', 5, [false, true, true]],
] as const)('4, 5 and 6 %s %d', (comparison, bound, kept) => {
  const assertion = { text: '', field: 'failed', comparison, bound };
  expect([4, 5, 6].map((actual) => isKept(assertion, actual))).toEqual(kept);
  expect(isKept(assertion, null)).toBe(false);
});

test('the percentile that an assertion asks for is known', () => {
  expect(
    ['p99_ttft_ms', 'added_p99.5_e2el_ms', 'mean_ttft_ms', 'failed'].map(percentileOf),
  ).toEqual([99, 99.5, null, null]);
});
