import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { version } from '../../package.json';
import { findAddons } from '../../scripts/lib/embedded-addon.ts';
import { getNativeTarget, getTarget, TARGETS } from '../../scripts/lib/targets.ts';
import { InstallerLab } from '../support/installer-lab.ts';
import { llmgateBinary } from '../support/llmgate-binary.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const NATIVE = getNativeTarget();
/** A machine that this one is not. */
const FOREIGN = getTarget(NATIVE.name.startsWith('linux-arm64') ? 'linux-x64' : 'linux-arm64');

describe('the executable of this machine', () => {
  test('holds its own SQLite addon and no other', () => {
    expect(findAddons(llmgateBinary())).toEqual([NATIVE.sqliteEntry]);
  });

  test('does not tell where it was built', () => {
    expect(readFileSync(llmgateBinary()).includes(ROOT)).toBe(false);
  });

  test('knows its version, commit and target', async () => {
    const told: unknown = await Bun.$`${llmgateBinary()} version --json`.json();
    expect(told).toMatchObject({ version, target: NATIVE.name });
    // Not compared with the checkout's: it may have moved on since the build.
    if (existsSync(join(ROOT, '.git'))) {
      const commit = expect.stringMatching(/^[0-9a-f]{40}(?:-dirty)?$/);
      expect(told).toMatchObject({ commit, built_at: expect.stringMatching(/^\d{4}-.*Z$/) });
    }
  });
});

describe('scripts/release', () => {
  const out = mkdtempSync(join(tmpdir(), 'llmgate-release-'));
  const asset = (name: string) => join(out, `v${version}/llmgate-${version}-${name}`);

  beforeAll(async () => {
    const targets = `${NATIVE.name},${FOREIGN.name}`;
    await Bun.$`${ROOT}/scripts/release --out ${out} --targets ${targets}`.quiet();
  }, 120_000);
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  test('another machine gets its own executable with its own addon', () => {
    const head = readFileSync(asset(FOREIGN.name)).subarray(0, 20);
    expect(head.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    // e_machine: 183 is AArch64, 62 is x86-64.
    expect(head.readUInt16LE(18)).toBe(FOREIGN.name === 'linux-arm64' ? 183 : 62);
    expect(findAddons(asset(FOREIGN.name))).toEqual([FOREIGN.sqliteEntry]);
  });

  test('the same source makes the same bytes', async () => {
    const again = join(out, 'again');
    await Bun.$`${ROOT}/scripts/build --out ${again}`.quiet();
    expect(readFileSync(again).equals(readFileSync(asset(NATIVE.name)))).toBe(true);
  });

  test('install.sh installs what it made', async () => {
    using lab = new InstallerLab();
    const ran = await lab.run([], { env: { LLMGATE_BASE_URL: `file://${out}` } });
    expect(ran).toMatchObject({ code: 0 });
    expect(await Bun.$`${lab.installed} version`.text()).toContain(version);
  });
});

test('install.sh and scripts/release agree on the names of the machines', () => {
  const installer = readFileSync(join(ROOT, 'install.sh'), 'utf8');
  const named = TARGETS.flatMap((target) => target.name.split('-').slice(2));
  for (const suffix of new Set(named)) expect(installer).toContain(`platform=$platform-${suffix}`);
});
