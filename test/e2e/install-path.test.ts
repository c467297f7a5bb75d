import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InstallerLab } from '../support/installer-lab.ts';

const MARK = '# llmgate installer';

function openLab(): InstallerLab {
  const lab = new InstallerLab();
  lab.publish('1.2.3');
  return lab;
}

function readHome(lab: InstallerLab, path: string): string {
  return readFileSync(join(lab.home, path), 'utf8');
}

function countMarks(text: string): number {
  return text.split(MARK).length - 1;
}

describe('PATH', () => {
  test.each([
    ['/bin/bash', '.bashrc'],
    ['/usr/bin/zsh', '.zshrc'],
    ['/usr/bin/fish', '.config/fish/conf.d/llmgate.fish'],
    ['/bin/sh', '.profile'],
    ['', '.profile'],
  ])('%s: --yes adds one line to %s, once', async (shell, profile) => {
    using lab = openLab();
    for (const _ of [1, 2]) {
      expect((await lab.run(['--yes'], { env: { SHELL: shell } })).code).toBe(0);
    }
    const text = readHome(lab, profile);
    expect(countMarks(text)).toBe(1);
    expect(text).toContain('/.local/bin');
  });

  test('the line works in a home folder whose name has a space and a quote', async () => {
    using lab = openLab();
    lab.writeHome('.bashrc', 'greeting=hello');
    await lab.run(['--yes']);
    const found = await Bun.$`sh -c ${'. "$HOME/.bashrc"; echo "$greeting"; command -v llmgate'}`
      .env({ HOME: lab.home, PATH: lab.tools })
      .text();
    expect(found).toBe(`hello\n${lab.installed}\n`);
  });

  test('the name of a folder is never run as code', async () => {
    using lab = openLab();
    const dir = join(lab.home, '$(touch pwned)"`touch pwned`\'\\');
    expect((await lab.run(['--yes', '--dir', dir], { env: { SHELL: '/bin/sh' } })).code).toBe(0);
    const found = await Bun.$`sh -c ${'. "$HOME/.profile"; command -v llmgate'}`
      .cwd(lab.home)
      .env({ HOME: lab.home, PATH: lab.tools })
      .text();
    expect(found).toBe(`${dir}/llmgate\n`);
    expect(existsSync(join(lab.home, 'pwned'))).toBe(false);
  });

  test.each([
    ['not asked for and nobody to ask', [], {}],
    ['--no-modify-path', ['--yes', '--no-modify-path'], {}],
    ['LLMGATE_NO_MODIFY_PATH', ['--yes'], { LLMGATE_NO_MODIFY_PATH: '1' }],
  ])('%s: no profile is touched', async (_, args, env) => {
    using lab = openLab();
    lab.writeHome('.bashrc', 'greeting=hello\n');
    const ran = await lab.run(args, { env });
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('is not on the PATH');
    expect(readHome(lab, '.bashrc')).toBe('greeting=hello\n');
  });

  test('already on the PATH: no profile is touched and nothing is said', async () => {
    using lab = openLab();
    const env = { PATH: `${lab.tools}:${dirname(lab.installed)}` };
    const ran = await lab.run(['--yes'], { env });
    expect(ran.code).toBe(0);
    expect(ran.stderr).not.toContain('PATH');
    expect(existsSync(join(lab.home, '.bashrc'))).toBe(false);
  });

  test('a profile that is a link stays one', async () => {
    using lab = openLab();
    lab.writeHome('dotfiles/bashrc', 'greeting=hello\n');
    symlinkSync('dotfiles/bashrc', join(lab.home, '.bashrc'));
    await lab.run(['--yes']);
    expect(countMarks(readHome(lab, 'dotfiles/bashrc'))).toBe(1);
    await lab.run(['--uninstall']);
    expect(readHome(lab, 'dotfiles/bashrc')).toBe('greeting=hello\n');
    expect(lstatSync(join(lab.home, '.bashrc')).isSymbolicLink()).toBe(true);
  });
});

describe('uninstalling', () => {
  test.each(['/bin/bash', '/usr/bin/zsh', '/usr/bin/fish', '/bin/sh'])(
    'after an installation under %s only what was there before is left',
    async (shell) => {
      using lab = openLab();
      lab.writeHome('.bashrc', 'greeting=hello\n');
      lab.writeHome('.zshrc', 'greeting=hello\n');
      lab.writeHome('.profile', 'greeting=hello\n');
      mkdirSync(dirname(lab.installed), { recursive: true });
      mkdirSync(join(lab.home, '.config/fish/conf.d'), { recursive: true });
      const before = lab.snapshot();
      await lab.run(['--yes'], { env: { SHELL: shell } });
      expect(lab.snapshot()).not.toEqual(before);
      // Whoever removes it may sit at another shell.
      const ran = await lab.run(['--uninstall'], { env: { SHELL: '/bin/dash' } });
      expect(ran.code).toBe(0);
      expect(ran.stderr).toContain(`removed ${lab.installed}`);
      expect(lab.snapshot()).toEqual(before);
    },
  );

  test('of one folder leaves an installation in another', async () => {
    using lab = openLab();
    await lab.run(['--yes']);
    await lab.run(['--yes', '--dir', 'other']);
    await lab.run(['--uninstall', '--dir', 'other']);
    expect(existsSync(lab.installed)).toBe(true);
    expect(countMarks(readHome(lab, '.bashrc'))).toBe(1);
  });

  test('where nothing is installed says so and asks no server', async () => {
    using lab = openLab();
    const before = lab.snapshot();
    const ran = await lab.run(['--uninstall', '--purge', '--yes']);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('llmgate is not in');
    expect(lab.snapshot()).toEqual(before);
    expect(lab.asked).toEqual([]);
  });

  test('--dry-run changes nothing', async () => {
    using lab = openLab();
    await lab.run(['--yes']);
    lab.writeHome('.config/llmgate/config.yaml', 'backends: {}\n');
    const before = lab.snapshot();
    const ran = await lab.run(['--uninstall', '--purge', '--yes', '--dry-run']);
    expect(ran.stderr.match(/^would remove/gm)).toHaveLength(3);
    expect(lab.snapshot()).toEqual(before);
  });

  test.each([
    ['without --purge', ['--uninstall', '--yes'], true],
    ['with --purge that nobody confirmed', ['--uninstall', '--purge'], true],
    ['with --purge --yes', ['--uninstall', '--purge', '--yes'], false],
  ])('%s: configuration kept is %o', async (_, args, kept) => {
    using lab = openLab();
    await lab.run([]);
    const config = lab.writeHome('.config/llmgate/config.yaml', 'backends: {}\n');
    const other = lab.writeHome('.config/other/config', 'x');
    expect((await lab.run(args)).code).toBe(0);
    expect([existsSync(config), existsSync(other)]).toEqual([kept, true]);
  });

  test('--purge never removes books: a data folder beside the configuration keeps both', async () => {
    using lab = openLab();
    const config = lab.writeHome('.config/llmgate/config.yaml', 'backends: {}\n');
    const books = lab.writeHome('.config/llmgate/llmgate-data/llmgate.db', 'rows');
    const ran = await lab.run(['--uninstall', '--purge', '--yes']);
    expect(ran.stderr).toContain('it holds a data folder');
    expect([existsSync(config), existsSync(books)]).toEqual([true, true]);
  });
});

describe('from source', () => {
  const BUILD = 'printf "#!/bin/sh\\necho llmgate 0.0.0-built\\n" >"$2"';

  function openCheckout(build = BUILD) {
    const lab = openLab();
    lab.addTool('npm', 'exit 0');
    const checkout = lab.addCheckout(build);
    const install = (...args: string[]) =>
      Bun.$`sh ${join(checkout, 'install.sh')} ${args}`
        .cwd(lab.home)
        .env({ HOME: lab.home, PATH: lab.tools, TMPDIR: lab.temp, CI: 'true' })
        .nothrow()
        .quiet();
    return { lab, install };
  }

  test('builds what the checkout holds and downloads nothing', async () => {
    const { lab, install } = openCheckout();
    using _ = lab;
    const ran = await install('--from-source');
    expect(ran.exitCode).toBe(0);
    expect(ran.stderr.toString()).toContain('installed llmgate 0.0.0-built');
    expect(await Bun.$`${lab.installed} version`.text()).toBe('llmgate 0.0.0-built\n');
    expect(lab.asked).toEqual([]);
  });

  test('a build that fails replaces nothing', async () => {
    const { lab, install } = openCheckout('exit 1');
    using _ = lab;
    await lab.run([]);
    const before = lab.snapshot();
    const ran = await install('--from-source');
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr.toString()).toContain('the build failed');
    expect(lab.snapshot()).toEqual(before);
  });

  test('without a release, a checkout is told to build from itself', async () => {
    const { lab, install } = openCheckout();
    using _ = lab;
    const ran = await install();
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr.toString()).toContain('a checkout/install.sh --from-source');
  });

  test('--dry-run builds nothing', async () => {
    const { lab, install } = openCheckout('touch built');
    using _ = lab;
    const before = lab.snapshot();
    expect((await install('--from-source', '--dry-run')).exitCode).toBe(0);
    expect(lab.snapshot()).toEqual(before);
  });

  test('outside a checkout it says so', async () => {
    const { lab } = openCheckout();
    using _ = lab;
    renameSync(join(lab.root, 'a checkout/package.json'), join(lab.root, 'gone'));
    const script = readFileSync(join(lab.root, 'a checkout/install.sh'), 'utf8');
    const ran = await lab.run(['--from-source'], { script });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('no checkout');
  });
});
