import { ROOT } from './root.ts';
import type { Target } from './targets.ts';

/**
 * What `llmgate version` tells about the executable, as compile-time constants (`src/cli/build-info.ts`).
 * Everything comes from the commit, nothing from the clock or the machine: the same commit
 * compiles to the same bytes.
 */
export function getBuildFacts(target: Target): Record<string, string> {
  const facts: Record<string, string> = { LLMGATE_BUILD_TARGET: JSON.stringify(target.name) };
  const commit = git('rev-parse', 'HEAD');
  if (commit === '') return facts;
  const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
  const committedAt = new Date(git('log', '-1', '--format=%cI')).toISOString();
  return {
    ...facts,
    LLMGATE_BUILD_COMMIT: JSON.stringify(changed ? `${commit}-dirty` : commit),
    LLMGATE_BUILD_TIME: JSON.stringify(committedAt),
  };
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
