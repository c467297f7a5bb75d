import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

// The rules of the house that a formatter and a compiler do not know. `biome.json` holds the rest.

const ROOT = resolve(import.meta.dirname, '..');

/** Lowest first. A folder imports itself and lower rows; its own row never. */
const LAYERS: readonly (readonly string[])[] = [
  // Where the version is written down.
  ['package.json'],
  ['core'],
  [
    ...['protocols', 'access', 'limits', 'pricing', 'guards', 'routing', 'cache', 'prompts'],
    ...['observe', 'audit'],
  ],
  ['config', 'store', 'backends', 'sinks', 'gpu'],
  ['gateway', 'admin', 'batch', 'bench', 'mock', 'tui'],
  ['app'],
  ['cli'],
  ['main.ts'],
];
const rank = new Map(LAYERS.flatMap((row, index) => row.map((name) => [name, index] as const)));

interface Ban {
  readonly pattern: RegExp;
  readonly say: string;
  /** Paths below src/ where the rule does not hold. */
  readonly except?: RegExp;
}

/** Checked against the code without its comments and types. */
const BANNED_IN_SRC: readonly Ban[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\b(?!\((?!\)))/,
    say: 'take a Clock',
    except: /^core\/clock\.ts$/,
  },
  { pattern: /\bMath\.random\(/, say: 'take RandomBytes', except: /^core\/clock\.ts$/ },
  { pattern: /\bconsole\./, say: 'return it or log it', except: /^cli\// },
  { pattern: /\b(?:process|Bun|import\.meta)\.env\b/, say: 'take Env', except: /^main\.ts$/ },
  { pattern: /\bprocess\.exit\(/, say: 'only main.ts ends the process', except: /^main\.ts$/ },
];

/** Checked against the text of every file, src/ and test/. */
const BANNED_EVERYWHERE: readonly Ban[] = [
  { pattern: /^export default\b/m, say: 'export by name' },
  { pattern: /\bFIXME\b/, say: 'fix it' },
  { pattern: /\bTODO\b(?!\(#\d+\):)/, say: 'TODO(#123): or nothing' },
  { pattern: /@ts-(?:ignore|nocheck)\b/, say: 'type it' },
  { pattern: /^export \* from/m, say: 'no barrels' },
];

const BANNED_IN_TESTS: readonly Ban[] = [
  { pattern: /import\.meta\.url\)\.pathname/, say: 'breaks in a folder with a space' },
  { pattern: /\.only\(/, say: 'run them all' },
  { pattern: /\bvi\.mock\(/, say: 'fake only the clock, randomness and the backend' },
  {
    // A line comment that begins with `Polls` above it says why nothing can be waited for.
    pattern:
      /(?<!^ *\/\/ Polls.*\n.*)(?:\bBun\.sleep\(|\bsetTimeout\((?:resolve|done),|timers\/promises)/m,
    say: 'wait for an event',
  },
];

/** Names that say where a thing was put and not what it is. */
const EMPTY_NAMES =
  /^(?:utils?|helpers?|managers?|services?|handlers?|base|types|common|misc|shared|index)$/;

const transpiler = new Bun.Transpiler({ loader: 'tsx' });

describe('src', () => {
  const files = filesUnder('src');

  test('has files', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test.each(files)('%s', (file) => {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    expect([
      ...shapeFaults(file, text),
      ...bannedIn(file, transpiler.transformSync(text), BANNED_IN_SRC),
      ...bannedIn(file, text, BANNED_EVERYWHERE),
      ...importFaults(file, text),
    ]).toEqual([]);
  });

  test('most files are small: median up to 120 lines, nine in ten up to 350', () => {
    const sizes = files
      .map((file) => readFileSync(join(ROOT, 'src', file), 'utf8').split('\n').length)
      .toSorted((a, b) => a - b);
    const at = (share: number) => sizes[Math.floor((sizes.length - 1) * share)] ?? 0;
    expect(at(0.5)).toBeLessThanOrEqual(120);
    expect(at(0.9)).toBeLessThanOrEqual(350);
  });
});

describe('test', () => {
  // This file spells out what it bans.
  test.each(filesUnder('test').filter((file) => file !== 'style.test.ts'))('%s', (file) => {
    const text = readFileSync(join(ROOT, 'test', file), 'utf8');
    expect([
      ...shapeFaults(file, text),
      ...bannedIn(file, text, [...BANNED_EVERYWHERE, ...BANNED_IN_TESTS]),
    ]).toEqual([]);
  });
});

describe('scripts', () => {
  test.each(filesUnder('scripts'))('%s', (file) => {
    const text = readFileSync(join(ROOT, 'scripts', file), 'utf8');
    expect([...shapeFaults(file, text), ...bannedIn(file, text, BANNED_EVERYWHERE)]).toEqual([]);
  });
});

describe('the rules see what they forbid', () => {
  test.each([
    ['store/ledger.ts', "import { x } from '../gateway/gate.ts';", 'store may not import gateway'],
    [
      'store/ledger.ts',
      "import type { X } from '../config/config.ts';",
      'store may not import config',
    ],
    ['gateway/gate.ts', "const x = await import('../app/run.ts');", 'gateway may not import app'],
    ['cli/serve.ts', "export { x } from '../main.ts';", 'cli may not import main.ts'],
    ['core/ids.ts', "import { x } from '../unheard/of.ts';", 'core may not import unheard'],
    ['core/ids.ts', "import { x } from './clock';", './clock needs its extension'],
  ])('%s: %s', (file, line, fault) => {
    expect(importFaults(file, line)).toEqual([fault]);
  });

  test.each([
    ['limits/bucket.ts', 'const now = Date.now();'],
    ['limits/bucket.ts', 'const now = new Date();'],
    ['gateway/gate.ts', 'console.log(1);'],
    ['app/run.ts', 'const home = process.env["HOME"];'],
    ['cli/serve.ts', 'process.exit(1);'],
  ])('%s: %s', (file, line) => {
    expect(bannedIn(file, transpiler.transformSync(line), BANNED_IN_SRC)).toHaveLength(1);
  });

  test.each(['src/Store.ts', 'src/store/utils.ts', 'src/store/keyStore.ts'])('%s', (file) => {
    expect(shapeFaults(file, 'x')).toHaveLength(1);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted();
}

function shapeFaults(file: string, text: string): string[] {
  const faults: string[] = [];
  const name = basename(file).replace(/(?:\.test|\.d)?\.tsx?$/, '');
  const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name);
  const component = file.endsWith('.tsx') && /^[A-Z][A-Za-z0-9]*$/.test(name);
  if (!kebab && !component) faults.push(`${name} is not kebab-case`);
  if (EMPTY_NAMES.test(name)) faults.push(`${name} names nothing`);
  if (text.trim() === '') faults.push('is empty');
  if (text.split('\n').length > 500) faults.push('is over 500 lines');
  return faults;
}

function bannedIn(file: string, text: string, bans: readonly Ban[]): string[] {
  return bans
    .filter(({ pattern, except }) => except?.test(file) !== true && pattern.test(text))
    .map(({ pattern, say }) => `${pattern.exec(text)?.[0]}: ${say}`);
}

function importFaults(file: string, text: string): string[] {
  const folder = file.split('/')[0] ?? '';
  const faults: string[] = [];
  for (const [, path = ''] of text.matchAll(/(?:\bfrom|\bimport\(?)\s*'(\.[^']*)'/g)) {
    if (!/\.(?:tsx?|json)$/.test(path)) faults.push(`${path} needs its extension`);
    const target = join('/', file, '..', path).split('/')[1] ?? '';
    const above = (rank.get(target) ?? Number.POSITIVE_INFINITY) >= (rank.get(folder) ?? -1);
    if (target !== folder && above) faults.push(`${folder} may not import ${target}`);
  }
  return faults;
}
