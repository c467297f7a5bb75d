import { expect, test } from 'vitest';
import { escapeValue, renderSyslog } from '../../../src/sinks/syslog-message.ts';
import { aRecord } from '../../support/some-records.ts';

const source = { hostname: 'box-1', processId: 4711, installId: 'a"b\\c]d' };

test('one record is one RFC 5424 message in ASCII', () => {
  const record = {
    seq: 12,
    atMs: Date.UTC(2026, 10, 18, 10, 30, 0, 5),
    hash: 'ab'.repeat(32),
    line: '{"user":"Zoë 😀","note":"]\\"\\u007f\u007f"}',
  };
  expect(renderSyslog('requests', record, source)).toBe(
    '<110>1 2026-11-18T10:30:00.005Z box-1 llmgate 4711 requests ' +
      `[llmgate@32473 install="a\\"b\\\\c\\]d" chain="requests" seq="12" hash="${'ab'.repeat(32)}"] ` +
      '{"user":"Zo\\u00eb \\ud83d\\ude00","note":"]\\"\\u007f\\u007f"}',
  );
});

test('what is escaped for syslog is the same JSON value', () => {
  const record = aRecord(3);
  const message = renderSyslog('admin_events', record, source);
  const json = message.slice(message.indexOf('] {') + 2);
  expect(JSON.parse(json)).toEqual(JSON.parse(record.line));
  expect(message).toMatch(/^[\x20-\x7e]+$/);
});

test.each([
  ['plain', 'plain'],
  ['"', '\\"'],
  ['\\n', '\\\\n'],
  ['a]b]', 'a\\]b\\]'],
])('the value %s is written %s', (value, escaped) => {
  expect(escapeValue(value)).toBe(escaped);
});

test.each([
  ['gpu box', 'gpubox'],
  ['', '-'],
  ['ü', '-'],
  ['x'.repeat(300), 'x'.repeat(255)],
])('the machine %j calls itself %s', (hostname, told) => {
  const message = renderSyslog('checkpoints', aRecord(1), { ...source, hostname });
  expect(message.split(' ')[2]).toBe(told);
});
