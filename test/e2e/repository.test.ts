import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as manifest from '../../package.json';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const SCRIPTS = readdirSync(join(ROOT, 'scripts')).filter((name) => name !== 'lib');

describe('dependencies', () => {
  test.each(Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))(
    '%s is pinned to %s',
    (_, version) => {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    },
  );

  test('the Bun that builds is the Bun that is type-checked', () => {
    expect(manifest.packageManager).toBe(`bun@${manifest.devDependencies['bun-types']}`);
    expect(Bun.version).toBe(manifest.devDependencies['bun-types']);
  });

  test('the lockfile names no registry, so that mirrors work', () => {
    expect(read('bun.lock')).not.toMatch(/https?:/);
  });
});

describe('scripts', () => {
  test.each([...SCRIPTS.map((name) => `scripts/${name}`), 'install.sh', '.ci/run'])(
    '%s can be run',
    (path) => {
      expect(() => accessSync(join(ROOT, path), constants.X_OK)).not.toThrow();
      expect(read(path)).toMatch(/^#!\/(?:bin\/sh|usr\/bin\/env bash)\n/);
    },
  );

  test('scripts/test counts a run without any test as failed', async () => {
    const script = join(ROOT, 'scripts/test');
    const ran = await Bun.$`${script} --no-build no-such-test`.quiet().nothrow();
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout.toString().trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed');
  });
});

describe('AGENTS.md', () => {
  const text = read('AGENTS.md');

  test('has a row for every folder at the top and in src', async () => {
    const tracked = await Bun.$`git ls-files`.cwd(ROOT).nothrow().quiet().text();
    const folders = new Set([
      ...[...tracked.matchAll(/^([^/\n]+)\//gm)].map(([, name = '']) => name),
      ...[...tracked.matchAll(/^(src\/[^/\n]+)\//gm)].map(([, name = '']) => name),
    ]);
    for (const folder of folders) expect(text).toContain(`\`${folder}/\``);
  });

  test('names every script, and none that does not exist', () => {
    const named = new Set([...text.matchAll(/scripts\/([a-z-]+)/g)].map(([, name]) => name));
    named.delete('lib');
    expect([...named].toSorted()).toEqual(SCRIPTS.toSorted());
  });
});
