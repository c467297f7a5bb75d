import pino from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured fields of a log line. Keys are snake_case; secrets never belong here. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One event per call: a stable name for machines, fields for everything that varies. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  setLevel(level: LogLevel): void;
  isEnabled(level: LogLevel): boolean;
  /** Writes out what is buffered. */
  flush(): void;
}

/** Lines wait at most this long before they are written together. */
const FLUSH_EVERY_MS = 250;
const BUFFER_BYTES = 16 * 1024;

/** Where finished lines go; buffered, so that a request never pays for a system call of its own. */
interface LineSink {
  write(line: string): void;
  flush(): void;
}

/**
 * Collects lines and hands them to `writeOut` together: when 16 KB are there or 250 ms have
 * passed. What is lost on `kill -9` is at most that; the books do not depend on it.
 */
export function createLineSink(writeOut: (text: string) => void): LineSink {
  let pending: string[] = [];
  let pendingBytes = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    if (timer !== undefined) clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) return;
    const text = pending.join('');
    pending = [];
    pendingBytes = 0;
    writeOut(text);
  };
  return {
    write(line) {
      pending.push(line);
      pendingBytes += line.length;
      if (pendingBytes >= BUFFER_BYTES) return flush();
      if (timer === undefined) {
        timer = setTimeout(flush, FLUSH_EVERY_MS);
        timer.unref();
      }
    },
    flush,
  };
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  readonly sink: LineSink;
}

/** A log over pino. JSON strings escape line breaks, so one event is always one line. */
export function createLog({ level, format, sink }: LogOptions): Log {
  const destination =
    format === 'json' ? sink : { write: (line: string) => sink.write(renderText(line)) };
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { cause: describeCause },
    },
    destination,
  );
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
    setLevel: (next) => {
      logger.level = next;
    },
    isEnabled: (asked) => logger.isLevelEnabled(asked),
    flush: () => sink.flush(),
  };
}

/** Messages of an error and its causes, outermost first. Stacks only for what is not expected. */
function describeCause(cause: unknown): unknown {
  const messages: string[] = [];
  let current = cause;
  while (current instanceof Error && messages.length < 5) {
    messages.push(`${current.name}: ${current.message}`);
    current = current.cause;
  }
  if (messages.length === 0) return String(cause).slice(0, 500);
  const stack =
    cause instanceof Error ? cause.stack?.split('\n').slice(0, 12).join('\n') : undefined;
  return { messages, stack };
}

/** `10:15:30.123 info request id=… status=200` for a person at a terminal. */
function renderText(line: string): string {
  const { time, level, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${renderValue(value)}`)
    .join(' ');
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(event)} ${rest}\n`;
}

function renderValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = JSON.stringify(value);
  // JSON leaves C1 controls and bidirectional overrides as they are; a terminal would obey them.
  const neutral = text.replace(
    /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return /^"[\w.:/@+-]+"$/.test(neutral) ? neutral.slice(1, -1) : neutral;
}
