import { matchesPattern } from '../core/pattern.ts';
import type { RequestFacts } from './plan.ts';
import type { RequestCondition } from './request-condition.ts';

const DAYS = 7;

/** Whether a request is as a rule asks. What is cheap to look up is looked at first. */
export function conditionHolds(when: RequestCondition, facts: RequestFacts): boolean {
  return (
    (when.stream === null || when.stream === facts.stream) &&
    (when.endpoints.length === 0 || when.endpoints.includes(facts.endpoint)) &&
    (when.inputTokensOver === null || facts.inputTokens > when.inputTokensOver) &&
    isNamed(when.users, facts.user) &&
    isNamed(when.teams, facts.team) &&
    isNamed(when.tenants, facts.tenant) &&
    (isNamed(when.keys, facts.keyId) || isNamed(when.keys, facts.keyName)) &&
    all(when.tags, (name) => (Object.hasOwn(facts.tags, name) ? facts.tags[name] : null)) &&
    all(when.headers, (name) => facts.header(name)) &&
    all(when.parameters, (name) => facts.parameter(name)) &&
    isTime(when, facts)
  );
}

function isNamed(patterns: readonly string[], name: string | null): boolean {
  if (patterns.length === 0) return true;
  return name !== null && patterns.some((pattern) => matchesPattern(pattern, name));
}

function all(
  patterns: ReadonlyMap<string, string>,
  find: (name: string) => string | null | undefined,
): boolean {
  if (patterns.size === 0) return true;
  for (const [name, pattern] of patterns) {
    const value = find(name) ?? null;
    if (value === null || !matchesPattern(pattern, value)) return false;
  }
  return true;
}

/** A night belongs to the day it begins on: Friday from 22:00 to 06:00 ends on Saturday. */
function isTime({ between, weekdays }: RequestCondition, facts: RequestFacts): boolean {
  if (between === null && weekdays.length === 0) return true;
  const { minute, weekday } = facts.localTime();
  if (between === null) return weekdays.includes(weekday);
  const { fromMinute, toMinute } = between;
  const isOverMidnight = fromMinute > toMinute;
  const isBefore = minute < toMinute;
  const isIn = isOverMidnight ? minute >= fromMinute || isBefore : minute >= fromMinute && isBefore;
  if (!isIn) return false;
  if (weekdays.length === 0) return true;
  const began = isOverMidnight && isBefore ? ((weekday + DAYS - 2) % DAYS) + 1 : weekday;
  return weekdays.includes(began);
}
