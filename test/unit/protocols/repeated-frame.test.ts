import { expect, test } from 'vitest';
import { RepeatedFrame } from '../../../src/protocols/repeated-frame.ts';

const frame = (text: string, end = 'null') =>
  Buffer.from(
    `data: {"id":"a","choices":[{"delta":{"content":"${text}"},"finish_reason":${end}}]}\n\n`,
  );

function remembered(text: string): RepeatedFrame {
  const repeated = new RepeatedFrame();
  repeated.remember(frame(text), 'content', text);
  return repeated;
}

test.each([
  ['another word', frame(' token'), 6],
  ['the same word', frame('word'), 4],
  ['one character', frame('x'), 1],
  ['an empty string', frame(''), -1],
  ['a quote that ends the string early', frame('a","x":"b'), -1],
  ['an escape', frame('a\\n'), -1],
  ['a lone backslash', frame('\\'), -1],
  ['a control character', frame('a\u0001'), -1],
  ['a character beyond ASCII', frame('é'), -1],
  ['another end', frame('word', '"stop"'), -1],
  ['another beginning', Buffer.from(frame('word').toString().replace('"a"', '"b"')), -1],
  ['a frame that is cut', frame('word').subarray(0, -3), -1],
  ['a frame of another kind', Buffer.from('data: [DONE]\n\n'), -1],
])('%s', (_, bytes, length) => {
  expect(remembered('word').textLengthIn(bytes, 0, bytes.length)).toBe(length);
});

test('a frame is found wherever it stands in a chunk', () => {
  const chunk = Buffer.concat([frame('one'), frame('three')]);
  const start = frame('one').length;
  expect(remembered('word').textLengthIn(chunk, start, chunk.length)).toBe(5);
});

test.each(['é', 'a"b', 'a\\b', ''])('%j is nothing to compare with', (text) => {
  const repeated = new RepeatedFrame();
  const bytes = Buffer.from(`data: ${JSON.stringify({ content: text })}\n\n`);
  repeated.remember(bytes, 'content', text);
  expect(repeated.textLengthIn(bytes, 0, bytes.length)).toBe(-1);
});

test('what is remembered does not change with the array it came in', () => {
  const repeated = new RepeatedFrame();
  const bytes = frame('word');
  repeated.remember(bytes, 'content', 'word');
  bytes.fill(0);
  expect(repeated.textLengthIn(frame('next'), 0, frame('next').length)).toBe(4);
});
