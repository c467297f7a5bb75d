export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

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

/** Least important lines that are written. */
export interface LogLevels {
  readonly level: LogLevel;
  /** Where another one holds. */
  readonly levels: Readonly<Partial<Record<LogSubsystem, LogLevel>>>;
}
