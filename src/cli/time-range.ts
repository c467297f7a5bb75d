import { BadValue } from '../config/bad-value.ts';
import { parseDuration } from '../config/units.ts';
import { CliError, EXIT } from './exit-code.ts';

/** Inclusive start, exclusive end, in milliseconds since the epoch. */
export interface TimeRange {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/**
 * `--since` and `--until` as times. Each is a moment (`7d` ago, RFC 3339) or a period (a day, a
 * month): since starts with the period, until ends with it, so `--since 2026-11 --until 2026-11`
 * is November. Throws CliError for what is neither and for an empty range.
 */
export function parseTimeRange(since: string, until: string | undefined, nowMs: number): TimeRange {
  const sinceMs = parseTime('--since', since, nowMs).sinceMs;
  const untilMs = until === undefined ? nowMs : parseTime('--until', until, nowMs).untilMs;
  if (sinceMs < untilMs) return { sinceMs, untilMs };
  const [from, to] = [sinceMs, untilMs].map((timeMs) => new Date(timeMs).toISOString());
  throw new CliError(
    `--since ${since} (${from}) is not before ${until === undefined ? 'now' : `--until ${until}`} (${to})`,
    EXIT.usage,
  );
}

/** A whole month, `2026-11` or by its word. Throws CliError for anything else. */
export function parseMonth(text: string, nowMs: number): TimeRange {
  const isMonth = /^\d{4}-\d{2}$/.test(text) || text === 'this-month' || text === 'last-month';
  const found = isMonth ? (parseWord(text, nowMs) ?? parseDate(text)) : undefined;
  if (found !== undefined) return found;
  throw new CliError(
    `--month: ${JSON.stringify(text)} is no month`,
    EXIT.usage,
    'Write 2026-11, this-month or last-month.',
  );
}

function parseTime(flag: string, text: string, nowMs: number): TimeRange {
  const found =
    parseWord(text, nowMs) ?? parseDate(text) ?? parseMoment(text) ?? parseAgo(text, nowMs);
  if (found !== undefined) return found;
  throw new CliError(
    `${flag}: ${JSON.stringify(text)} is no time`,
    EXIT.usage,
    'Write 7d, 24h, today, yesterday, this-month, last-month, 2026-11, 2026-11-20 or RFC 3339.',
  );
}

function parseWord(text: string, nowMs: number): TimeRange | undefined {
  const now = new Date(nowMs);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  switch (text) {
    case 'now':
      return moment(nowMs);
    case 'today':
      return period(Date.UTC(year, month, day), Date.UTC(year, month, day + 1));
    case 'yesterday':
      return period(Date.UTC(year, month, day - 1), Date.UTC(year, month, day));
    case 'this-month':
      return period(Date.UTC(year, month), Date.UTC(year, month + 1));
    case 'last-month':
      return period(Date.UTC(year, month - 1), Date.UTC(year, month));
    default:
      return undefined;
  }
}

function parseDate(text: string): TimeRange | undefined {
  const [, year, month, day] = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(text) ?? [];
  if (year === undefined || month === undefined) return undefined;
  const [y, m, d] = [Number(year), Number(month) - 1, Number(day ?? '1')];
  const startMs = Date.UTC(y, m, d);
  // Date.UTC turns 30 February into 2 March, which nobody meant.
  if (!new Date(startMs).toISOString().startsWith(text)) return undefined;
  return period(startMs, day === undefined ? Date.UTC(y, m + 1) : Date.UTC(y, m, d + 1));
}

function parseMoment(text: string): TimeRange | undefined {
  const form = /^(\d{4}-\d{2}-\d{2})[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?$/;
  const [, date, zone] = form.exec(text) ?? [];
  if (date === undefined || parseDate(date) === undefined) return undefined;
  const timeMs = Date.parse(zone === undefined ? `${text}Z` : text);
  return Number.isFinite(timeMs) ? moment(timeMs) : undefined;
}

function parseAgo(text: string, nowMs: number): TimeRange | undefined {
  try {
    return moment(nowMs - parseDuration(text));
  } catch (cause) {
    if (cause instanceof BadValue) return undefined;
    throw cause;
  }
}

function moment(timeMs: number): TimeRange {
  return { sinceMs: timeMs, untilMs: timeMs };
}

function period(sinceMs: number, untilMs: number): TimeRange {
  return { sinceMs, untilMs };
}
