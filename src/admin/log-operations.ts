import type { Clock } from '../core/clock.ts';
import type { Log } from '../observe/log.ts';
import { LOG_SUBSYSTEMS } from '../observe/log-levels.ts';
import type { Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import { LogLevelChange, type LogLevelsView } from './log-schemas.ts';
import { OperationError } from './operation-error.ts';
import { parseInput } from './parse-input.ts';

/** How much a running gateway tells. Changes last until a reload or a restart. */
export interface LogOperations {
  levels(): Promise<LogLevelsView>;
  /** What is left out stays. */
  setLevels(change: LogLevelChange): Promise<LogLevelsView>;
}

export interface LogOperationsParts {
  readonly store: Pick<Store, 'audit'>;
  readonly clock: Clock;
  readonly actor: () => Actor;
  /** Undefined without a gateway. */
  readonly log?: Pick<Log, 'levels' | 'setLevels'> | undefined;
}

export function createLogOperations(parts: LogOperationsParts): LogOperations {
  const { store, clock, actor } = parts;
  const running = () => {
    if (parts.log !== undefined) return parts.log;
    throw new OperationError('not_running', 'the gateway is not running');
  };
  return {
    levels: async () => running().levels(),
    async setLevels(input) {
      const { level, levels = {} } = parseInput(LogLevelChange, input);
      const log = running();
      const before = log.levels();
      const after = { level: level ?? before.level, levels: { ...before.levels } };
      for (const subsystem of LOG_SUBSYSTEMS) {
        const own = levels[subsystem];
        if (own === null) delete after.levels[subsystem];
        else if (own !== undefined) after.levels[subsystem] = own;
      }
      store.audit.record({
        ...{ atMs: clock.nowMs(), action: 'log.level', target: 'log', before, after },
        ...actor(),
      });
      log.setLevels(after);
      return after;
    },
  };
}
