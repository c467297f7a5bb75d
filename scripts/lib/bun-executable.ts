import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import type { Target } from './targets.ts';

/**
 * Path of the pinned Bun's executable for another machine, fetched once from npm into .tools/.
 * npm checks the package against the digest that the registry states.
 */
export function ensureBunExecutable(target: Target): string {
  const folder = join(ROOT, '.tools', `bun-${Bun.version}`);
  const executable = join(folder, target.bunTarget);
  if (existsSync(executable)) return executable;

  mkdirSync(folder, { recursive: true });
  const stage = mkdtempSync(join(ROOT, '.tools', 'stage.'));
  try {
    run(stage, ['npm', 'pack', '--silent', `${target.bunPackage}@${Bun.version}`]);
    const [archive] = new Bun.Glob('*.tgz').scanSync(stage);
    if (archive === undefined) throw new Error(`npm pack left no archive of ${target.bunPackage}`);
    run(stage, ['tar', '-xzf', archive]);
    const unpacked = join(stage, 'package/bin/bun');
    chmodSync(unpacked, 0o755);
    renameSync(unpacked, executable);
    return executable;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function run(cwd: string, command: string[]): void {
  const { success, stderr } = Bun.spawnSync(command, { cwd, stdout: 'ignore', stderr: 'pipe' });
  if (!success) throw new Error(`${command.join(' ')} failed: ${stderr.toString().trim()}`);
}
