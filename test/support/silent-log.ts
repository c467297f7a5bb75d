import type { Log, LogFields } from '../../src/observe/log.ts';

/** A log that writes nothing and tells `note` of every event. */
export function silentLog(note: (event: string, fields?: LogFields) => void = () => {}): Log {
  const log: Log = {
    ...{ debug: note, info: note, warn: note, error: note },
    isEnabled: () => true,
    for: () => log,
    levels: () => ({ level: 'debug', levels: {} }),
    setLevels: () => {},
    hide: () => {},
    onLine: () => () => {},
    dropped: 0,
    flush: () => {},
  };
  return log;
}
