import type { z } from 'zod';
import { OperationError } from './operation-error.ts';

/** Input that fits its schema, or one `invalid` that names every field at fault. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const checked = schema.safeParse(input);
  if (checked.success) return checked.data;
  throw new OperationError('invalid', renderIssues(checked.error.issues));
}

/** `limits.concurrency: Too small…; name: …`, in the order of the fields. */
export function renderIssues(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .map((issue) => {
      const path = issue.path.map(String).join('.');
      return path === '' ? issue.message : `${path}: ${issue.message}`;
    })
    .join('; ');
}
