import { existsSync } from 'node:fs';
import { allTargets } from './all-targets.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';

/** What is allowed of processes but probably not meant. */
export function adviseProcesses({ backends, models }: Config): Finding[] {
  const used = new Set(models.flatMap(allTargets).map(({ backend }) => backend));
  const groups = Map.groupBy(
    backends.filter(({ process }) => process?.group != null),
    ({ process }) => process?.group ?? '',
  );
  return backends.flatMap(({ id, process: engine }): Finding[] => {
    if (engine === null) return [];
    const path = ['backends', id, 'process'];
    const findings: Finding[] = [];
    const [program = ''] = engine.command;
    if (program.startsWith('/') && !existsSync(program)) {
      findings.push({ path: [...path, 'command'], message: 'there is no such program here' });
    }
    if (engine.cwd !== null && !existsSync(engine.cwd)) {
      findings.push({ path: [...path, 'cwd'], message: 'there is no such folder here' });
    }
    const visible = engine.env['CUDA_VISIBLE_DEVICES'];
    if (engine.gpus.length > 0 && visible !== undefined && visible !== engine.gpus.join(',')) {
      const message = 'not the same as gpus, which says it to the process by itself';
      findings.push({ path: [...path, 'env', 'CUDA_VISIBLE_DEVICES'], message });
    }
    if (engine.preload && engine.idleTtlMs !== null) {
      const message = 'with preload it is started at once, and stopped again if nobody comes';
      findings.push({ path: [...path, 'idle_ttl'], message });
    }
    if (engine.group !== null && groups.get(engine.group)?.length === 1) {
      const message = 'nothing else is in this group, so it has no effect';
      findings.push({ path: [...path, 'group'], message });
    }
    if (!engine.preload && !used.has(id)) {
      const message =
        'no model names this backend, and what it serves is not known before it is started, so nothing starts it';
      findings.push({ path, at: 'key', message, hint: 'add a model, or preload: true' });
    }
    return findings;
  });
}
