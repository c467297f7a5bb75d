import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getBuildFacts } from './build-facts.ts';
import { ROOT } from './root.ts';
import type { Target } from './targets.ts';

// Workers are entry points of their own, because the bundler does not follow `new Worker(…)`. Names
// are flattened: a bundled module sees itself at the root, so `./books-worker.ts` resolves there.
function entryPoints(): string[] {
  const workers = [...new Bun.Glob('src/**/*-worker.ts').scanSync(ROOT)].toSorted();
  return ['src/main.ts', ...workers].map((path) => join(ROOT, path));
}

export interface BuildOrder {
  readonly target: Target;
  readonly outFile: string;
  /** Bun's executable for the target; without it Bun uses its own, or fetches one. */
  readonly bunExecutable?: string | undefined;
}

/** Compiles llmgate into one executable. Throws an AggregateError that holds the bundler's messages. */
export async function buildBinary({ target, outFile, bunExecutable }: BuildOrder): Promise<void> {
  const folder = dirname(outFile);
  mkdirSync(folder, { recursive: true });
  // Written beside and renamed, so that a running llmgate keeps its file and a failed build leaves the old one.
  // The draft's name is part of the bytes, so it is always the same.
  const stage = mkdtempSync(join(folder, '.build.'));
  const draft = join(stage, 'llmgate');
  try {
    await Bun.build({
      entrypoints: entryPoints(),
      naming: { entry: '[name].[ext]' },
      minify: true,
      // Parsed ahead of time: `llmgate version` starts in a third of the time, for 5 MB.
      format: 'esm',
      bytecode: true,
      // Dependencies that ask where they lie would write this machine's folders into the executable.
      define: { ...getBuildFacts(target), __dirname: '"/"', __filename: '"/"' },
      plugins: [sqliteFor(target)],
      compile: {
        target: target.bunTarget,
        outfile: draft,
        // The executable must not run what it finds in the caller's directory.
        autoloadDotenv: false,
        autoloadBunfig: false,
        ...(bunExecutable === undefined ? {} : { executablePath: bunExecutable }),
      },
    });
    chmodSync(draft, 0o755);
    renameSync(draft, outFile);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

// The plain entry looks for node_modules at run time and so works on the build machine only.
function sqliteFor(target: Target): Bun.BunPlugin {
  return {
    name: 'better-sqlite3 of the target',
    setup(build) {
      build.onResolve({ filter: /^better-sqlite3$/ }, () => ({
        path: Bun.resolveSync(target.sqliteEntry, ROOT),
      }));
    },
  };
}
