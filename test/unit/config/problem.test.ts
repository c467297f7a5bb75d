import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { ConfigError, renderProblems } from '../../../src/config/problem.ts';

test('the caret stands under the column, also behind tabs and wide characters', () => {
  const source = 'a:\t"你好" x';
  const text = renderProblems('f', source, [{ line: 1, column: 9, path: 'a', message: 'm' }]);
  expect(text).toBe(['f:1:9: a: m', '  1 | a: "你好" x', '    |           ^'].join('\n'));
});

test('a long line is cut to what is around the column', () => {
  const source = `${'a'.repeat(500)}HERE${'b'.repeat(500)}`;
  const text = renderProblems('f', source, [{ line: 1, column: 501, path: '', message: 'm' }]);
  const [, line = '', caret = ''] = text.split('\n');
  expect(line.length).toBeLessThan(120);
  expect(line.slice(caret.indexOf('^'))).toMatch(/^HEREb/);
});

test('many problems are counted instead of printed', () => {
  const problems = Array.from({ length: 150 }, (_, index) => ({
    line: 0,
    column: 0,
    path: '',
    message: `m${index}`,
  }));
  expect(renderProblems('f', '', problems).split('\n')).toHaveLength(101);
  expect(renderProblems('f', '', problems)).toMatch(/f: and 50 more problems$/);
});

test('no byte of a file reaches the terminal as a control character', () => {
  const hostile = '\x1b]52;c;ZXZpbA==\x07\x9b31m\u202e\u200b';
  const text = `backends: { "${hostile}": { type: vllm } } # ${hostile}`;
  let message = '';
  try {
    parseConfig(text, { name: `llmgate${hostile}.yaml`, env: {}, folder: '/' });
  } catch (error) {
    if (error instanceof ConfigError) message = error.message;
  }
  expect(message).toContain('a backend id has letters');
  expect(message.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e\u200b]/u);
});
