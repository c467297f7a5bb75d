import { systemClock } from '../../src/core/clock.ts';
import { createLog, type Log } from '../../src/observe/log.ts';

/** A real log whose lines a test can read. */
export interface LogBook {
  readonly log: Log;
  /** Everything written, as text: for what must not be in it. */
  readonly text: string;
  /** The names of the events so far. */
  readonly events: string[];
}

export function createLogBook(): LogBook {
  let text = '';
  const write = (line: string) => {
    text += line;
  };
  const log = createLog({
    level: 'debug',
    levels: {},
    format: 'json',
    clock: systemClock,
    sink: { write, flush: () => {} },
  });
  return {
    log,
    get text() {
      return text;
    },
    get events() {
      const lines = text.split('\n').filter((line) => line !== '');
      return lines.map((line) => String(JSON.parse(line).event));
    },
  };
}
