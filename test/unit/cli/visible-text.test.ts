import { describe, expect, test } from 'vitest';
import { flatten, renderCsv } from '../../../src/cli/csv.ts';
import { printReport } from '../../../src/cli/output.ts';
import { renderTable } from '../../../src/cli/table.ts';
import { toVisibleText } from '../../../src/cli/visible-text.ts';
import { createRecordedIo } from '../../support/run-cli.ts';

// What a hostile model name or user could do to a terminal that shows it.
const HOSTILE: readonly (readonly [string, string, string])[] = [
  ['OSC 52 writes the clipboard', '\x1b]52;c;aGk=\x07', '\\x1b]52;c;aGk=\\x07'],
  ['CSI clears the screen', '\x1b[2J', '\\x1b[2J'],
  ['C1 CSI without ESC', '\u009b2J', '\\x9b2J'],
  ['carriage return overwrites the line', 'ok\rrm', 'ok\\x0drm'],
  ['newline fakes a row', 'a\nb', 'a\\x0ab'],
  ['tab shifts columns', 'a\tb', 'a\\x09b'],
  ['RTL override reorders', 'a\u202egnp.exe', 'a\\u202egnp.exe'],
  ['isolates reorder', '\u2066a\u2069', '\\u2066a\\u2069'],
  ['zero width hides', 'a\u200bb', 'a\\u200bb'],
  ['line separator', 'a\u2028b', 'a\\u2028b'],
  ['tag characters hide text', 'a\u{e0041}', 'a\\u{e0041}'],
  ['half a surrogate', 'a\ud800b', 'a\\ud800b'],
  ['plain text stays', 'größe 模型 é', 'größe 模型 é'],
];

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe('text from elsewhere', () => {
  test.each(HOSTILE)('%s', (_, text, visible) => {
    expect(toVisibleText(text)).toBe(visible);
  });

  test.each(HOSTILE)('%s, in every form of output', async (_, text) => {
    const report = {
      document: { name: text, [`tag ${text}`]: 1 },
      rows: [{ name: text }],
      human: { columns: [{ title: 'NAME' }], rows: [[text]] },
    };
    for (const output of ['table', 'json', 'csv', 'yaml'] as const) {
      const { io, run } = createRecordedIo({ stdoutIsTty: true });
      await printReport(io, { output, color: 'never' }, report);
      const { out } = run;
      expect(out.replaceAll(/\r?\n/g, '')).not.toMatch(UNSAFE);
      if (output === 'json') expect(JSON.parse(out)).toEqual(report.document);
      if (output === 'yaml') {
        expect(JSON.stringify(Bun.YAML.parse(out))).toBe(
          JSON.stringify(report.document).replaceAll('\\ud800', '\ufffd'),
        );
      }
    }
  });
});

describe('csv', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@sum', "'@sum"],
    [' =1+1', "' =1+1"],
    ['a=b', 'a=b'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['=cmd|"/c calc"!A1', `"'=cmd|""/c calc""!A1"`],
    [-5, '-5'],
    [null, ''],
    [true, 'true'],
  ])('%j becomes %j', (value, cell) => {
    expect(renderCsv(['v'], [{ v: value }])).toBe(`v\r\n${cell}\r\n`);
  });

  test('rows that lack a column still have its comma', () => {
    expect(renderCsv(['a', 'b'], [{ b: 1 }])).toBe('a,b\r\n,1\r\n');
  });

  test('nested fields become columns of their own', () => {
    expect(flatten({ a: { b: 1, c: null }, d: ['x', 'y'] })).toEqual({
      'a.b': 1,
      'a.c': null,
      d: 'x y',
    });
  });
});

describe('table', () => {
  const plain = (cell: string) => cell;
  const table = {
    columns: [
      { title: 'NAME' },
      { title: 'EMPTY', optional: true },
      { title: 'TOKENS', align: 'right' },
    ],
    rows: [
      ['模型', '-', '7'],
      ['a-rather-long-name-of-a-model', '-', '1,234,567'],
    ],
    total: ['total', '', '1,234,574'],
  } as const;

  test('columns line up by what a terminal shows, and an empty optional one is left out', () => {
    expect(renderTable(table, { width: null, paint: plain })).toBe(
      `NAME                              TOKENS
模型                                   7
a-rather-long-name-of-a-model  1,234,567
-----------------------------  ---------
total                          1,234,574
`,
    );
  });

  test('on a narrow terminal names are cut and numbers are not', () => {
    expect(renderTable(table, { width: 24, paint: plain })).toBe(
      `NAME              TOKENS
模型                   7
a-rather-lon…  1,234,567
-------------  ---------
total          1,234,574
`,
    );
  });

  test.each([1, 8, 80])(
    'a name of 100,000 wide characters is no trouble at %i columns',
    (width) => {
      const rows = [['模'.repeat(100_000), '-', '1']];
      const text = renderTable({ ...table, rows }, { width, paint: plain });
      const widths = text.split('\n').map((line) => Bun.stringWidth(line));
      expect(Math.max(...widths)).toBeLessThanOrEqual(Math.max(width, 8 + 2 + 9));
    },
  );

  test('a pipe gets whole names', () => {
    const rows = [['x'.repeat(300), '-', '1']];
    expect(renderTable({ ...table, rows }, { width: null, paint: plain })).toContain(
      'x'.repeat(300),
    );
  });
});
