import { type Logger, pino } from 'pino';
import type { Clock } from '../core/clock.ts';
import { describeCause } from './describe-cause.ts';
import { createSecretFilter, neutralJson } from './hide-secrets.ts';
import type { LineSink } from './line-sink.ts';
import type { LogLevel, LogLevels, LogSubsystem } from './log-levels.ts';
import { renderLogText } from './log-text.ts';

/** Structured fields of a log line. Keys are snake_case; secrets never belong here. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One event per call: a stable name for machines, fields for everything that varies. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  isEnabled(level: LogLevel): boolean;
  /** The same log for one part of the program: its lines say so, and have that part's level. */
  for(subsystem: LogSubsystem): Log;
  levels(): LogLevels;
  /** For this log and all made from it, from now on. */
  setLevels(levels: LogLevels): void;
  /** What must not be in any line; replaces what was said before. */
  hide(secrets: Iterable<string>): void;
  /** Also told of every line that is written, as it is written. Returns what stops it. */
  onLine(listen: (line: string) => void): () => void;
  /** Lines that nobody has taken. */
  readonly dropped: number;
  /** Writes out what is buffered. */
  flush(): void;
}

export interface LogOptions extends LogLevels {
  readonly format: 'json' | 'text';
  readonly sink: Pick<LineSink, 'write' | 'flush'> & Partial<Pick<LineSink, 'dropped'>>;
  readonly clock: Clock;
}

/**
 * A log of one JSON document per event. JSON strings escape line breaks, so whatever a caller
 * sends, one event is one line. Lines are made by pino and written by a sink of ours, because
 * pino's own would block on a pipe that nobody reads; `docs/adr/0027-pino.md` has the figures.
 */
export function createLog({ format, sink, clock, ...written }: LogOptions): Log {
  let levels: LogLevels = written;
  let strike = createSecretFilter([]);
  const listeners = new Set<(line: string) => void>();
  const loggers = new Map<LogSubsystem | null, Logger>();
  const logs = new Map<LogSubsystem, Log>();
  const root = pino(
    {
      base: null,
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      serializers: { cause: describeCause },
      level: levels.level,
    },
    {
      write(json: string) {
        // The line break that ends it stays.
        const clean = neutralJson(strike(json));
        const line = format === 'json' ? clean : renderLogText(clean);
        sink.write(line);
        for (const listen of listeners) listen(line);
      },
    },
  );
  loggers.set(null, root);

  const face = (logger: Logger): Log => {
    const write = (level: LogLevel, event: string, fields: LogFields | undefined) => {
      logger[level]({ event, ...fields });
    };
    return {
      debug: (event, fields) => write('debug', event, fields),
      info: (event, fields) => write('info', event, fields),
      warn: (event, fields) => write('warn', event, fields),
      error: (event, fields) => write('error', event, fields),
      isEnabled: (level) => logger.isLevelEnabled(level),
      for: (subsystem) => logs.get(subsystem) ?? begin(subsystem),
      levels: () => levels,
      setLevels(next) {
        levels = { level: next.level, levels: next.levels };
        for (const [subsystem, each] of loggers) each.level = levelOf(levels, subsystem);
      },
      hide(secrets) {
        strike = createSecretFilter(secrets);
      },
      onLine(listen) {
        listeners.add(listen);
        return () => void listeners.delete(listen);
      },
      get dropped() {
        return sink.dropped ?? 0;
      },
      flush: () => sink.flush(),
    };
  };
  const begin = (subsystem: LogSubsystem): Log => {
    const logger = root.child({ subsystem }, { level: levelOf(levels, subsystem) });
    const log = face(logger);
    loggers.set(subsystem, logger);
    logs.set(subsystem, log);
    return log;
  };
  return face(root);
}

function levelOf({ level, levels }: LogLevels, subsystem: LogSubsystem | null): LogLevel {
  return subsystem === null ? level : (levels[subsystem] ?? level);
}
