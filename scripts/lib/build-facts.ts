import { ROOT } from './root.ts';
import type { Target } from './targets.ts';

/**
 * What `llmgate version` tells about the executable, as compile-time constants (`src/cli/build-info.ts`).
 * Everything comes from the commit, nothing from the clock or the machine: the same commit
 * compiles to the same bytes.
 */
export function getBuildFacts(target: Target): Record<string, string> {
  const dirty = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '-dirty';
  const commit = git('rev-parse', 'HEAD');
  return {
    LLMGATE_BUILD_COMMIT: JSON.stringify(commit === '' ? 'unknown' : commit + dirty),
    LLMGATE_BUILD_TARGET: JSON.stringify(target.name),
    LLMGATE_BUILD_TIME: JSON.stringify(toUtc(git('log', '-1', '--format=%cI'))),
  };
}

function toUtc(iso: string): string {
  return iso === '' ? 'unknown' : new Date(iso).toISOString();
}

// Empty where there is no repository (a source archive) or no git.
function git(...args: string[]): string {
  try {
    const run = Bun.spawnSync(['git', ...args], { cwd: ROOT, stderr: 'ignore' });
    return run.success ? run.stdout.toString().trim() : '';
  } catch {
    return '';
  }
}
