import { describe, expect, test } from 'vitest';
import {
  parseTraceparent,
  parseTracestate,
  renderTraceparent,
} from '../../../../src/observe/traces/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('parseTraceparent', () => {
  test.each([
    [`00-${TRACE}-${SPAN}-01`, { isSampled: true, isRandom: false }],
    [`00-${TRACE}-${SPAN}-00`, { isSampled: false, isRandom: false }],
    [`00-${TRACE}-${SPAN}-03`, { isSampled: true, isRandom: true }],
    [` 00-${TRACE}-${SPAN}-01 `, { isSampled: true, isRandom: false }],
    // A later version may add parts and flags.
    [`cc-${TRACE}-${SPAN}-ff-more`, { isSampled: true, isRandom: true }],
  ])('%s', (header, flags) => {
    expect(parseTraceparent(header)).toEqual({ traceId: TRACE, parentId: SPAN, ...flags });
  });

  test.each([
    ['nothing', ''],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['the forbidden version', `ff-${TRACE}-${SPAN}-01`],
    ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a part too many', `00-${TRACE}-${SPAN}-01-more`],
    ['two headers that were joined', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ['too short', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ])('%s is none', (_, header) => {
    expect(parseTraceparent(header)).toBeNull();
  });
});

test('what is rendered is read back', () => {
  const context = {
    ...{ traceId: TRACE, parentId: null, spanId: SPAN, state: null },
    ...{ isSampled: true, isRandom: true },
  };
  const header = renderTraceparent(context, 'b7ad6b7169203331');
  expect(header).toBe(`00-${TRACE}-b7ad6b7169203331-03`);
  expect(parseTraceparent(header)).toMatchObject({ traceId: TRACE, isSampled: true });
});

test.each([
  ['vendor=a,other=b', 'vendor=a,other=b'],
  ['', null],
  ['x'.repeat(513), null],
  ['a=\u009b31m', null],
])('tracestate %s', (header, told) => {
  expect(parseTracestate(header)).toBe(told);
});
