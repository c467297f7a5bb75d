import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { renderChecksums } from '../../scripts/lib/release-folder.ts';
import { TARGETS } from '../../scripts/lib/targets.ts';

export const INSTALLER = resolve(import.meta.dirname, '../../install.sh');

/** All that install.sh may need of a machine; whatever is missing here is missing in the lab. */
const TOOLS = (
  'sh cat cp cut chmod dirname env find grep head ldd ls mkdir mktemp mv rm rmdir sed sha256sum ' +
  'tail uname curl'
).split(' ');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Run with this text on stdin instead of the file, as `curl … | sh -s --` does. */
  readonly script?: string;
  readonly shell?: string;
}

/**
 * A machine of its own for install.sh: a home, a PATH that holds TOOLS and nothing else, and a
 * release folder served over loopback that notes what was asked for.
 */
export class InstallerLab implements Disposable {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'llmgate lab ')));
  readonly home = join(this.root, "anna's home");
  readonly tools = join(this.root, 'tools');
  readonly releases = join(this.root, 'releases');
  readonly temp = join(this.root, 'tmp');
  readonly installed = join(this.home, '.local/bin/llmgate');
  readonly asked: string[] = [];
  /** Answers a path instead of the release folder. */
  readonly answers = new Map<string, () => Response | Promise<Response>>();
  readonly #server: Bun.Server<undefined>;

  constructor() {
    for (const folder of [this.home, this.tools, this.releases, this.temp]) mkdirSync(folder);
    for (const tool of TOOLS) {
      const path = Bun.which(tool);
      if (path !== null) symlinkSync(path, join(this.tools, tool));
    }
    if (Bun.which('curl') === null) this.addTool('curl', curlOfBun());
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        const path = decodeURIComponent(new URL(request.url).pathname);
        this.asked.push(path);
        const answer = this.answers.get(path);
        if (answer !== undefined) return answer();
        const file = Bun.file(join(this.releases, path));
        return (await file.exists()) ? new Response(file) : new Response('gone', { status: 404 });
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** Puts a release there whose executable, for every machine, is this shell script. */
  publish(version: string, script = `echo "llmgate ${version}"`): void {
    const folder = join(this.releases, `v${version}`);
    mkdirSync(folder, { recursive: true });
    const assets = TARGETS.map((target) => `llmgate-${version}-${target.name}`);
    for (const asset of assets) writeFileSync(join(folder, asset), `#!/bin/sh\n${script}\n`);
    writeFileSync(join(folder, 'checksums.txt'), renderChecksums(folder, assets));
    writeFileSync(join(this.releases, 'latest'), `${version}\n`);
  }

  /** Puts a shell script on the PATH, in front of a tool of that name. */
  addTool(name: string, script: string): void {
    const path = join(this.tools, name);
    rmSync(path, { force: true });
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  removeTool(name: string): void {
    rmSync(join(this.tools, name), { force: true });
  }

  /** Starts install.sh in a process group of its own. */
  start(args: readonly string[], options: RunOptions = {}) {
    const { script, shell = join(this.tools, 'sh') } = options;
    const command =
      script === undefined ? [shell, INSTALLER, ...args] : [shell, '-s', '--', ...args];
    return Bun.spawn(command, {
      cwd: options.cwd ?? this.home,
      env: {
        HOME: this.home,
        PATH: this.tools,
        SHELL: '/bin/bash',
        LLMGATE_BASE_URL: this.url,
        TMPDIR: this.temp,
        // Nothing may be asked: the terminal of whoever runs the tests is within reach.
        CI: 'true',
        ...options.env,
      },
      stdin: new Blob([script ?? '']),
      stdout: 'pipe',
      stderr: 'pipe',
      detached: true,
    });
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const child = this.start(args, options);
    const [stdout, stderr, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  /** Every file below the lab but the releases, with what is in it: what an installer may change. */
  snapshot(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const path of readdirSync(this.root, { recursive: true, encoding: 'utf8' }).toSorted()) {
      if (path.startsWith('releases')) continue;
      const full = join(this.root, path);
      const stat = lstatSync(full);
      const mode = (stat.mode & 0o777).toString(8);
      if (stat.isSymbolicLink()) found[path] = `-> ${readlinkSync(full)}`;
      else found[path] = stat.isFile() ? `${mode} ${readFileSync(full, 'utf8')}` : `${mode} /`;
    }
    return found;
  }

  /** Writes a file below the home folder and returns its path. */
  writeHome(path: string, text: string): string {
    const full = join(this.home, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    return full;
  }

  /** A checkout whose build makes an executable out of a shell script. */
  addCheckout(build: string): string {
    const checkout = join(this.root, 'a checkout');
    mkdirSync(join(checkout, 'scripts'), { recursive: true });
    cpSync(INSTALLER, join(checkout, 'install.sh'));
    writeFileSync(join(checkout, 'package.json'), '{\n  "name": "llmgate"\n}\n');
    writeFileSync(join(checkout, 'scripts/build'), `#!/bin/sh\n${build}\n`, { mode: 0o755 });
    return checkout;
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
    rmSync(this.root, { recursive: true, force: true });
  }
}

// Where curl is missing the lab brings the little of it that install.sh uses.
function curlOfBun(): string {
  const script = `
    const args = process.argv.slice(1);
    const reply = await fetch(args.at(-1)).catch(() => null);
    if (reply === null || !reply.ok) process.exit(22);
    await Bun.write(args[args.indexOf('--output') + 1], reply);`;
  return `exec '${process.execPath}' -e '${script.replaceAll("'", `'\\''`)}' -- "$@"`;
}
