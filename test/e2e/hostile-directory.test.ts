import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { llmgateBinary } from '../support/llmgate-binary.ts';

const BINARY = llmgateBinary();

class Directory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'llmgate-hostile-'));
  readonly pwned = join(this.path, 'pwned');

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    writeFileSync(join(this.path, name), text);
  }

  /** Runs llmgate here with an environment that holds a place for temporary files and `env`. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = Bun.spawn([BINARY, ...args], {
      cwd: this.path,
      env: { ...env },
      stdout: 'pipe',
      stderr: 'pipe',
      stdin: 'ignore',
    });
    const [stdout, stderr, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const CONFIG = 'backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:9" }\n';

describe('an empty environment and a foreign directory', () => {
  test('version', async () => {
    using here = new Directory();
    expect(await here.run(['version'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('the SQLite inside opens a database: a key is made and listed', async () => {
    using here = new Directory();
    here.write('llmgate.yaml', CONFIG);
    const made = await here.run(['keys', 'create', '--name', 'anna', '--quiet']);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stdout).toMatch(/^sk-lg-[0-9A-Za-z]{12}-[0-9A-Za-z]{38}\n$/);
    const listed = await here.run(['keys', 'list', '--json']);
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain('"anna"');
    expect(existsSync(join(here.path, 'llmgate-data/llmgate.db'))).toBe(true);
  });
});

describe('a hostile directory runs nothing and changes nothing', () => {
  const EVIL = (pwned: string) =>
    `require('node:fs').writeFileSync(${JSON.stringify(pwned)}, 'x'); module.exports = {};`;

  function plant(): Directory {
    const here = new Directory();
    here.write('llmgate.yaml', CONFIG);
    here.write('evil.yaml', 'backends:\n  evil: { type: nonsense }\n');
    for (const name of ['.env', '.env.local', '.env.production', '.env.development']) {
      here.write(name, `LLMGATE_CONFIG=${join(here.path, 'evil.yaml')}\nBUN_OPTIONS=--nonsense\n`);
    }
    here.write('bunfig.toml', 'preload = ["./evil.cjs"]\n[run]\npreload = ["./evil.cjs"]\n');
    here.write('evil.cjs', EVIL(here.pwned));
    here.write(
      'package.json',
      '{ "type": "commonjs", "main": "evil.cjs", "bun": { "preload": "./evil.cjs" } }',
    );
    here.write('tsconfig.json', '{ "compilerOptions": { "paths": { "*": ["./evil.cjs"] } } }');
    for (const name of ['better-sqlite3', 'commander', 'zod', 'yaml']) {
      here.write(`node_modules/${name}/package.json`, `{ "name": "${name}", "main": "index.js" }`);
      here.write(`node_modules/${name}/index.js`, EVIL(here.pwned));
    }
    return here;
  }

  test.each([
    ['version', ['version']],
    ['validate', ['validate']],
    ['keys create', ['keys', 'create', '--name', 'anna']],
  ])('%s', async (_, args) => {
    using here = plant();
    expect(await here.run(args)).toMatchObject({ code: 0 });
    expect(existsSync(here.pwned)).toBe(false);
  });

  // What the directory tries would work if it came from whoever starts llmgate: the test can tell.
  test('the same variable from the environment is obeyed', async () => {
    using here = plant();
    const ran = await here.run(['validate'], { LLMGATE_CONFIG: join(here.path, 'evil.yaml') });
    expect(ran.code).toBe(78);
  });
});
