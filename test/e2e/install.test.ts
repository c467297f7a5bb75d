import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { INSTALLER, InstallerLab } from '../support/installer-lab.ts';

const text = readFileSync(INSTALLER, 'utf8');

function openLab(): InstallerLab {
  const lab = new InstallerLab();
  lab.publish('1.2.3');
  return lab;
}

async function runInstalled(lab: InstallerLab): Promise<string> {
  return (await Bun.$`${lab.installed} version`.text()).trim();
}

describe('installing', () => {
  test('a fresh machine gets the newest version, and is told what was verified and what not', async () => {
    using lab = openLab();
    const ran = await lab.run([]);
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toContain(`installed llmgate 1.2.3 as ${lab.installed}`);
    expect(ran.stderr).toContain('verified: SHA-256');
    expect(ran.stderr).toContain('not verified: who made it');
    expect(ran.stderr).toContain('is not on the PATH');
    expect(await runInstalled(lab)).toBe('llmgate 1.2.3');
    expect(statSync(lab.installed).mode & 0o777).toBe(0o755);
    expect(readdirSync(dirname(lab.installed))).toEqual(['llmgate']);
    expect(readdirSync(lab.home)).toEqual(['.local']);
    expect(readdirSync(lab.temp)).toEqual([]);
  });

  test.each([
    ['--version', ['--version', '1.2.3'], {}],
    ['--version=v…', ['--version=v1.2.3'], {}],
    ['LLMGATE_VERSION', [], { LLMGATE_VERSION: '1.2.3' }],
  ])('an older version with %s', async (_, args, env) => {
    using lab = openLab();
    lab.publish('2.0.0');
    expect((await lab.run(args, { env })).code).toBe(0);
    expect(await runInstalled(lab)).toBe('llmgate 1.2.3');
    expect(lab.asked).not.toContain('/latest');
  });

  test.each([
    ['--dir', ['--dir', 'some where/bin'], {}],
    ['LLMGATE_INSTALL_DIR', [], { LLMGATE_INSTALL_DIR: 'some where/bin/' }],
  ])('into a relative folder with a space, with %s', async (_, args, env) => {
    using lab = openLab();
    expect((await lab.run(args, { env })).code).toBe(0);
    expect(existsSync(join(lab.home, 'some where/bin/llmgate'))).toBe(true);
    expect(existsSync(lab.installed)).toBe(false);
  });

  test('an upgrade replaces the file while the old one may still run', async () => {
    using lab = openLab();
    await lab.run([]);
    const before = statSync(lab.installed).ino;
    lab.publish('1.3.0');
    const ran = await lab.run([]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('keeps the old version until it is restarted');
    expect(await runInstalled(lab)).toBe('llmgate 1.3.0');
    expect(statSync(lab.installed).ino).not.toBe(before);
  });

  test('the same version again says so and downloads nothing', async () => {
    using lab = openLab();
    await lab.run([]);
    lab.asked.length = 0;
    const before = lab.snapshot();
    const ran = await lab.run([]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('already installed');
    expect(lab.asked).toEqual(['/latest', '/v1.2.3/checksums.txt']);
    expect(lab.snapshot()).toEqual(before);
  });

  test('from a folder, without any network', async () => {
    using lab = openLab();
    lab.addTool('curl', 'exit 1');
    const env = { LLMGATE_BASE_URL: `file://${lab.releases}/` };
    expect(await lab.run([], { env })).toMatchObject({ code: 0 });
    expect(await runInstalled(lab)).toBe('llmgate 1.2.3');
    expect(lab.asked).toEqual([]);
  });

  test.skipIf(Bun.which('wget') === null)('with wget where there is no curl', async () => {
    using lab = openLab();
    lab.removeTool('curl');
    lab.addTool('wget', `exec ${Bun.which('wget')} "$@"`);
    expect(await lab.run([])).toMatchObject({ code: 0 });
    expect(await runInstalled(lab)).toBe('llmgate 1.2.3');
  });

  test.each([
    ['shasum', `shift 2; exec ${Bun.which('sha256sum')}`],
    ['openssl', `exec ${Bun.which('sha256sum')}`],
  ])('with %s where there is no sha256sum', async (tool, script) => {
    using lab = openLab();
    lab.removeTool('sha256sum');
    lab.addTool(tool, script);
    expect(await lab.run([])).toMatchObject({ code: 0 });
  });

  test.each(['dash', 'bash', 'busybox'])('under %s, read from a pipe', async (name) => {
    const shell = Bun.which(name);
    if (shell === null) return;
    using lab = openLab();
    if (name === 'busybox') lab.addTool('ash', `exec ${shell} sh "$@"`);
    const via = name === 'busybox' ? join(lab.tools, 'ash') : shell;
    expect(await lab.run([], { script: text, shell: via })).toMatchObject({ code: 0 });
    expect(await runInstalled(lab)).toBe('llmgate 1.2.3');
  });

  test('--dry-run says what it would do and changes nothing', async () => {
    using lab = openLab();
    const before = lab.snapshot();
    const ran = await lab.run(['--dry-run', '--yes']);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain(`would install it as ${lab.installed}`);
    expect(ran.stderr).toContain('would offer to add');
    expect(lab.snapshot()).toEqual(before);
    expect(lab.asked).toEqual(['/latest', '/v1.2.3/checksums.txt']);
  });
});

describe('which file', () => {
  test.each([
    ['Linux', 'aarch64', 'ldd (GNU libc) 2.36', 'linux-arm64'],
    ['Linux', 'arm64', 'musl libc (aarch64)', 'linux-arm64-musl'],
    ['Linux', 'x86_64', 'musl libc (x86_64)', 'linux-x64-musl'],
    ['Linux', 'amd64', 'ldd (Debian GLIBC 2.36)', /linux-x64(?:-baseline)?$/],
    ['Darwin', 'arm64', '', 'darwin-arm64'],
    ['Darwin', 'x86_64', '', 'darwin-x64'],
  ])('%s %s, %j: %s', async (os, machine, ldd, asset) => {
    using lab = openLab();
    lab.addTool('uname', `case $1 in -s) echo ${os} ;; *) echo ${machine} ;; esac`);
    lab.addTool('ldd', `echo '${ldd}' >&2; exit 1`);
    const ran = await lab.run([]);
    expect(ran.code).toBe(0);
    const got = lab.asked.at(-1)?.replace('/v1.2.3/llmgate-1.2.3-', '');
    if (typeof asset === 'string') expect(got).toBe(asset);
    else expect(got).toMatch(asset);
  });

  test('a shell under Rosetta is on an Apple processor', async () => {
    using lab = openLab();
    lab.addTool('uname', 'case $1 in -s) echo Darwin ;; *) echo x86_64 ;; esac');
    lab.addTool('sysctl', 'echo 1');
    await lab.run([]);
    expect(lab.asked.at(-1)).toContain('darwin-arm64');
  });

  test.each([
    ['FreeBSD', 'x86_64', 'no llmgate for FreeBSD'],
    ['Linux', 'riscv64', 'no llmgate for riscv64'],
  ])('%s %s: refused', async (os, machine, message) => {
    using lab = openLab();
    lab.addTool('uname', `case $1 in -s) echo ${os} ;; *) echo ${machine} ;; esac`);
    const ran = await lab.run([]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain(message);
    expect(lab.asked).toEqual([]);
  });
});

describe('a bad download replaces nothing', () => {
  interface Case {
    readonly name: string;
    readonly spoil: (lab: InstallerLab) => void;
    readonly says: string;
  }
  const spoilEach = (lab: InstallerLab, spoil: (path: string) => void) => {
    const folder = join(lab.releases, 'v2.0.0');
    for (const name of readdirSync(folder)) {
      if (name !== 'checksums.txt') spoil(join(folder, name));
    }
  };
  const writeSums = (lab: InstallerLab, change: (sums: string) => string) => {
    const path = join(lab.releases, 'v2.0.0/checksums.txt');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  };
  const cases: Case[] = [
    {
      name: 'one byte more',
      spoil: (lab) => spoilEach(lab, (path) => writeFileSync(path, '\n', { flag: 'a' })),
      says: 'damaged',
    },
    {
      name: 'cut in half',
      spoil: (lab) =>
        spoilEach(lab, (path) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 12))),
      says: 'damaged',
    },
    {
      name: 'file missing',
      spoil: (lab) => spoilEach(lab, (path) => Bun.spawnSync(['rm', path])),
      says: 'cannot download',
    },
    {
      name: 'no checksums',
      spoil: (lab) => Bun.spawnSync(['rm', join(lab.releases, 'v2.0.0/checksums.txt')]),
      says: 'is there a version 2.0.0?',
    },
    {
      name: 'no entry for this machine',
      spoil: (lab) => writeSums(lab, (sums) => sums.replaceAll('llmgate-2.0.0-', 'llmgate-9.9.9-')),
      says: 'has no entry',
    },
    {
      name: 'two entries for this machine',
      spoil: (lab) => writeSums(lab, (sums) => sums + sums),
      says: 'twice',
    },
    {
      name: 'an entry that is no digest',
      spoil: (lab) => writeSums(lab, (sums) => sums.replaceAll(/^[0-9a-f]{64}/gm, 'f00d')),
      says: 'holds no SHA-256',
    },
    {
      name: 'does not run',
      spoil: (lab) => lab.publish('2.0.0', 'echo "wrong libc" >&2; exit 127'),
      says: 'does not run here',
    },
    {
      name: 'another version under that name',
      spoil: (lab) => lab.publish('2.0.0', 'echo "llmgate 0.0.1"'),
      says: 'not 2.0.0',
    },
    {
      name: 'newest version is no version',
      spoil: (lab) => writeFileSync(join(lab.releases, 'latest'), '../../etc\n'),
      says: 'does not name a version',
    },
    {
      name: 'newest version is empty',
      spoil: (lab) => writeFileSync(join(lab.releases, 'latest'), ''),
      says: 'is empty',
    },
  ];

  test.each(cases)('$name', async ({ spoil, says }) => {
    using lab = openLab();
    await lab.run([]);
    lab.publish('2.0.0');
    spoil(lab);
    const before = lab.snapshot();
    const ran = await lab.run(['--yes']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(says);
    expect(lab.snapshot()).toEqual(before);
  });

  test.each(cases)('$name: a fresh machine stays as it was', async ({ spoil, says }) => {
    using lab = new InstallerLab();
    lab.publish('2.0.0');
    spoil(lab);
    const ran = await lab.run(['--yes', '--dir', join(lab.home, 'bin')]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(says);
    expect(readdirSync(lab.home)).toEqual([]);
    expect(readdirSync(lab.temp)).toEqual([]);
  });

  test('without a tool for checksums nothing is even asked for', async () => {
    using lab = openLab();
    lab.removeTool('sha256sum');
    const ran = await lab.run([]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('none of sha256sum, shasum, openssl');
    expect(lab.asked).toEqual([]);
  });

  test('ended in the middle of a download', async () => {
    using lab = openLab();
    await lab.run([]);
    lab.publish('2.0.0');
    const before = lab.snapshot();
    const halfway = Promise.withResolvers<void>();
    for (const name of readdirSync(join(lab.releases, 'v2.0.0'))) {
      if (name === 'checksums.txt') continue;
      lab.answers.set(`/v2.0.0/${name}`, () => {
        halfway.resolve();
        return new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
      });
    }
    const child = lab.start([]);
    await halfway.promise;
    process.kill(-child.pid, 'SIGTERM');
    expect(await child.exited).not.toBe(0);
    expect(lab.snapshot()).toEqual(before);
  });
});

describe('a script that was cut while it was downloaded', () => {
  // Every byte of the last lines, where the call is, and a spread over the rest.
  const lengths = new Set<number>();
  for (let length = text.length - 160; length < text.trimEnd().length; length += 1)
    lengths.add(length);
  for (let length = 1; length < text.length; length += 97) lengths.add(length);
  for (const { index } of text.matchAll(/^\}\n/gm)) lengths.add(index + 2);
  for (const full of [text.length, text.trimEnd().length]) lengths.delete(full);

  test.each(['sh', 'bash'])('runs nothing, at whichever of its bytes, under %s', async (name) => {
    const shell = Bun.which(name);
    if (shell === null) return;
    using lab = openLab();
    const before = lab.snapshot();
    const cuts = [...lengths];
    const runNext = async (): Promise<void> => {
      for (let cut = cuts.pop(); cut !== undefined; cut = cuts.pop()) {
        await lab.run(['--yes', '--dir', 'bin'], { script: text.slice(0, cut), shell });
      }
    };
    await Promise.all(Array.from({ length: 4 }, runNext));
    expect(lab.asked).toEqual([]);
    expect(lab.snapshot()).toEqual(before);
  });

  test('whole, even without its last line break, it installs', async () => {
    using lab = openLab();
    const ran = await lab.run(['--dir', 'bin'], { script: text.trimEnd() });
    expect(ran.code).toBe(0);
    expect(existsSync(join(lab.home, 'bin/llmgate'))).toBe(true);
  });
});

describe('addresses', () => {
  test.each([
    'http://example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com/x',
    'http://127.0.0.1:80@example.com',
    'https://user:secret@example.com',
    'ftp://example.com',
    'example.com',
    'file://relative',
  ])('%s is refused before anything is fetched', async (url) => {
    using lab = openLab();
    lab.addTool('curl', `echo called >'${join(lab.root, 'called')}'; exit 1`);
    const ran = await lab.run([], { env: { LLMGATE_BASE_URL: url } });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('LLMGATE_BASE_URL');
    expect(existsSync(join(lab.root, 'called'))).toBe(false);
  });

  test('https is pinned to TLS 1.2 or later, and to https after a redirect', async () => {
    using lab = openLab();
    lab.addTool('curl', `echo "$*" >>'${join(lab.root, 'called')}'; exit 1`);
    await lab.run([], { env: { LLMGATE_BASE_URL: 'https://downloads.example' } });
    expect(readFileSync(join(lab.root, 'called'), 'utf8')).toMatch(
      /^--proto =https --tlsv1\.2 .*https:\/\/downloads\.example\/latest$/m,
    );
  });

  test('without one it says that no release exists yet and how to build', async () => {
    using lab = openLab();
    const ran = await lab.run([], { env: { LLMGATE_BASE_URL: '' } });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('no release of llmgate has been published yet');
    expect(ran.stderr).toContain('--from-source');
  });
});

describe('usage', () => {
  test.each([
    [['--nonsense'], 'unknown option --nonsense'],
    [['--version'], '--version needs a value'],
    [['--dir', ''], '--dir needs a value'],
    [['--version', '../1'], 'is not a version'],
    [['--dir', '/a:b'], 'cannot hold a colon'],
    [['--purge'], '--purge goes with --uninstall'],
  ])('%j: %s', async (args, message) => {
    using lab = openLab();
    const ran = await lab.run(args);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(message);
    expect(lab.asked).toEqual([]);
  });

  test('--help names every option and every variable, on stdout', async () => {
    using lab = openLab();
    const { code, stdout } = await lab.run(['--help']);
    expect(code).toBe(0);
    const options = text.matchAll(/^ {6}(--[a-z-]+)(?: \| (--?[a-z-]+))?\)/gm);
    const variables = text.matchAll(/\$\{(LLMGATE_[A-Z_]+)/g);
    for (const [, name = ''] of [...options, ...variables]) expect(stdout).toContain(name);
    expect(stdout).toContain('--purge');
  });
});
