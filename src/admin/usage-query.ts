import { USAGE_DIMENSIONS, type UsageDimension, type UsageQuery } from '../store/usage-report.ts';
import { OperationError } from './operation-error.ts';
import type { UsageRequest } from './operations.ts';

/** More dimensions than this make a row per request, which is an export and not a report. */
const DIMENSIONS_MAX = 6;

/** A request for usage as the books take it. Throws `invalid` with the words that would do. */
export function parseUsageRequest(request: UsageRequest): UsageQuery {
  const by = [...new Set(request.by.map(parseDimension))];
  if (by.length > DIMENSIONS_MAX) {
    throw new OperationError('invalid', `by: ${by.length} dimensions, at most ${DIMENSIONS_MAX}`);
  }
  const sinceMs = parseTime('since', request.since);
  const untilMs = parseTime('until', request.until);
  if (sinceMs >= untilMs) {
    throw new OperationError(
      'invalid',
      `since ${request.since} is not before until ${request.until}`,
    );
  }
  const where = request.where.map(({ dimension, value }) => ({
    dimension: parseDimension(dimension),
    value,
  }));
  return { by, sinceMs, untilMs, where };
}

function parseDimension(text: string): UsageDimension {
  const known = USAGE_DIMENSIONS.find((name) => name === text);
  if (known !== undefined) return known;
  const tag = /^tag:([\w.-]{1,64})$/.exec(text)?.[1];
  if (tag !== undefined) return `tag:${tag}`;
  const words = [...USAGE_DIMENSIONS, 'tag:NAME'].join(', ');
  throw new OperationError('invalid', `"${text}" is no dimension of usage; there are ${words}`);
}

function parseTime(field: string, text: string): number {
  const timeMs = Date.parse(text);
  if (/^\d{4}-\d{2}-\d{2}T/.test(text) && Number.isFinite(timeMs)) return timeMs;
  throw new OperationError('invalid', `${field}: "${text}" is no RFC 3339 time`);
}
