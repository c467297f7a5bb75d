import type { Clock } from '../core/clock.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Parts of the program whose lines can have a level of their own. */
export const LOG_SUBSYSTEMS = [
  'gateway',
  'backends',
  'store',
  'admin',
  'audit',
  'process',
  'sinks',
  'app',
] as const;
export type LogSubsystem = (typeof LOG_SUBSYSTEMS)[number];

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
  /** Also told of every line that is written, as it is written. Returns what stops it. */
  onLine(listen: (line: string) => void): () => void;
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
  readonly clock: Clock;
}

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/**
 * A log of one JSON document per event. JSON strings escape line breaks, so whatever a caller
 * sends, one event is one line; `docs/adr/0009-own-log-lines.md` says why this is not a library.
 */
export function createLog({ level, format, sink, clock }: LogOptions): Log {
  let threshold = RANKS[level];
  const render = format === 'json' ? (line: string) => line : renderText;
  const listeners = new Set<(line: string) => void>();
  const write = (at: LogLevel, event: string, fields: LogFields | undefined) => {
    if (RANKS[at] < threshold) return;
    const time = new Date(clock.nowMs()).toISOString();
    const cause = fields?.['cause'];
    const told = cause === undefined ? fields : { ...fields, cause: describeCause(cause) };
    // Joined as text: copying the fields into a new object would cost as much as rendering them.
    const json = told === undefined ? '{}' : JSON.stringify(told);
    const rest = json === '{}' ? '}' : `,${json.slice(1)}`;
    const line = render(
      `{"level":"${at}","time":"${time}","event":${JSON.stringify(event)}${rest}\n`,
    );
    sink.write(line);
    for (const listen of listeners) listen(line);
  };
  return {
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
    setLevel: (next) => {
      threshold = RANKS[next];
    },
    isEnabled: (asked) => RANKS[asked] >= threshold,
    onLine(listen) {
      listeners.add(listen);
      return () => void listeners.delete(listen);
    },
    flush: () => sink.flush(),
  };
}

/** Messages of an error and its causes, outermost first. Stacks only for what is not expected. */
function describeCause(cause: unknown): unknown {
  if (!(cause instanceof Error)) return String(cause).slice(0, 500);
  const messages: string[] = [];
  let current: unknown = cause;
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
