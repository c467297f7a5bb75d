import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { widthOf } from '../../../src/tui/cell-text.ts';
import { paintInColor, paintInShades, paintNothing } from '../../../src/tui/paint.ts';
import { reduceTop } from '../../../src/tui/reduce-top.ts';
import { renderFrame } from '../../../src/tui/render-frame.ts';
import { createTopState, SCREENS, type TopState } from '../../../src/tui/state.ts';
import { isUpdatingGolden, readGolden, writeGolden } from '../../support/golden.ts';
import { LARGE, someLiveDocument } from '../../support/some-live-document.ts';
import { frameOf, openTopView, press } from '../../support/top-view.ts';

const GOLDEN = join(import.meta.dirname, '../../golden/tui');

const connecting = createTopState({
  ...{ columns: 80, rows: 24, intervalMs: 1_000, screen: 'overview', filter: '' },
});

/** What is looked at besides the nine screens. */
const SCENES: Readonly<Record<string, (state: TopState) => TopState>> = {
  help: (state) => press(state, '?'),
  'request-detail': (state) => press(state, '8', 'G', 'k', 'enter'),
  'backend-detail': (state) => press(state, '3', 'j', 'enter'),
  'gpu-detail': (state) => press(state, '7', 'enter'),
  'key-detail': (state) => press(state, '4', 'enter'),
  confirm: (state) => press(state, '3', 'x'),
  filter: (state) => press(state, '8', '/', ...'queue'),
  command: (state) => press(state, ':', ...'drain g'),
  lost: (state) =>
    reduceTop(reduceTop(state, { type: 'lost', problem: 'nobody answers', nowMs: 1_000 }), {
      ...{ type: 'lost', problem: 'nobody answers', nowMs: 6_000 },
    }),
  connecting: ({ columns, rows }) => ({ ...connecting, columns, rows }),
};

const cases = [80, 120].flatMap((columns) => [
  ...SCREENS.map((screen, at) => ({
    name: `${screen}-${columns}`,
    state: () => press(openTopView({ columns }), String(at + 1)),
  })),
  ...Object.entries(SCENES).map(([name, change]) => ({
    name: `${name}-${columns}`,
    state: () => change(openTopView({ columns })),
  })),
]);

describe('frames', () => {
  test.each(cases)('$name', ({ name, state }) => {
    const path = join(GOLDEN, `${name}.txt`);
    const frame = frameOf(state());
    if (isUpdatingGolden(process.env)) writeGolden(path, '', frame);
    expect(frame).toBe(readGolden(path).expected);
  });

  test('no golden outlives its frame', () => {
    const expected = cases.map(({ name }) => `${name}.txt`);
    expect(readdirSync(GOLDEN).toSorted()).toEqual(expected.toSorted());
  });
});

const SIZES = [
  [1, 1],
  [2, 30],
  [39, 24],
  [80, 7],
  [40, 8],
  [80, 24],
  [120, 40],
  [200, 60],
  [500, 200],
] as const;

describe.each(SIZES)('%i x %i', (columns, rows) => {
  test('no frame is larger than the terminal, whatever is shown and however it is painted', () => {
    const state = openTopView({ columns, rows, size: LARGE, seconds: 3 });
    const scenes = [
      ...SCREENS.map((screen) => ({ ...state, screen })),
      ...Object.values(SCENES).map((change) => change(state)),
    ];
    for (const scene of scenes) {
      for (const paint of [paintNothing, paintInShades, paintInColor]) {
        const lines = renderFrame(scene, paint);
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
      }
    }
  });
});

test('a terminal that is too small is told what is needed, as far as that fits', () => {
  const small = { ...openTopView({ seconds: 1 }), rows: 1 };
  expect(frameOf({ ...small, columns: 60 })).toBe('too small: 40x8 is needed\n');
  expect(frameOf({ ...small, columns: 9 })).toBe('too smal…\n');
  expect(frameOf({ ...small, columns: 1 })).toBe('…\n');
});

describe('names from outside', () => {
  const NAMES = [
    'a\x1b]0;title\x07b',
    '\x1b[2J\x9b31m',
    '\u202egnp.exe',
    '漢'.repeat(10_000),
    'e\u0301'.repeat(10_000),
    '👩‍👩‍👧‍👦'.repeat(1_000),
    '\u{1f600}\ud83d',
    'two\nlines\r',
  ];

  test.each(NAMES.map((name) => [JSON.stringify(name).slice(0, 40), name]))('%s', (_, name) => {
    const document = someLiveDocument(10);
    const hostile = {
      ...document,
      gateway: { ...document.gateway, version: name, listen: name },
      totals: { ...document.totals, errors_by_code: { [name]: 10_000 } },
      models: document.models.map((model) => ({ ...model, name, targets: [name] })),
      backends: document.backends.map((each) => ({ ...each, id: name, url: name, problem: name })),
      callers: document.callers.map((caller) => ({ ...caller, name, id: name })),
      gpus: document.gpus.map((gpu) => ({ ...gpu, name })),
      requests: document.requests.map((each) => ({
        ...each,
        model: name,
        key_name: name,
        id: name,
      })),
      log: [{ at: document.at, level: name, event: name, text: name }],
    };
    let state = reduceTop(connecting, { type: 'document', document: someLiveDocument(9) });
    state = reduceTop(state, { type: 'document', document: hostile });
    const views = SCREENS.map((screen) => ({ ...state, screen }));
    for (const view of views) {
      for (const scene of [view, press(view, 'enter'), press(view, 'x'), press(view, '/', name)]) {
        for (const line of renderFrame(scene, paintNothing)) {
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
          expect(widthOf(line)).toBeLessThanOrEqual(80);
          // Marks that take no cells could still be a megabyte.
          expect(line.length).toBeLessThan(80 * 10);
        }
      }
    }
  });
});

test('a frame of 200 rows says the same without colour', () => {
  const state = press(openTopView({ columns: 200, rows: 60, size: LARGE, seconds: 3 }), '8', 'j');
  const plain = renderFrame(state, paintNothing);
  expect(renderFrame(state, paintInColor).map((line) => Bun.stripANSI(line))).toEqual(plain);
  const shades = renderFrame(state, paintInShades).join('');
  expect(shades).toContain('\x1b[7m');
  for (const color of [31, 32, 33, 36]) expect(shades).not.toContain(`${color}m`);
});
