import type * as z from 'zod';
import { isMap, itemsOf } from './raw.ts';

/** Every kind of issue in plain words. Values are not repeated: they may be secrets. */
export function issueMessage(issue: z.core.$ZodRawIssue): string {
  if (issue.input === null) return 'nothing is written here; give it a value or remove the key';
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'required, but missing';
      return `must be ${KINDS[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`;
    case 'invalid_union':
      if (issue.discriminator !== undefined) {
        const known = itemsOf(issue['options']).join(', ');
        const isMissing = !isMap(issue.input) || !Object.hasOwn(issue.input, issue.discriminator);
        return isMissing ? `required, but missing; one of ${known}` : `must be one of ${known}`;
      }
      if (issue.input === undefined) return 'required, but missing';
      return `must be ${kindsOf(issue.errors)}, not ${kindOf(issue.input)}`;
    case 'invalid_value':
      if (issue.input === undefined)
        return `required, but missing; one of ${issue.values.join(', ')}`;
      return `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty';
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return 'cannot be used';
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

/** What each of several shapes would have been: `text, a list or a map`. */
function kindsOf(errors: readonly (readonly z.core.$ZodIssue[])[]): string {
  const kinds = errors.flatMap((issues) =>
    issues.flatMap((issue) =>
      issue.code === 'invalid_type' && issue.path.length === 0 && issue.expected !== 'null'
        ? [KINDS[issue.expected] ?? issue.expected]
        : [],
    ),
  );
  const [last, ...others] = [...new Set(kinds)].reverse();
  if (last === undefined) return 'text or a map';
  return others.length === 0 ? last : `${others.reverse().join(', ')} or ${last}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'an infinite number';
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a fraction';
  const kinds: Partial<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    boolean: 'true or false',
    object: 'a map',
  };
  return kinds[typeof value] ?? 'this';
}
