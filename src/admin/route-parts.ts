import { z } from 'zod';

const ErrorDocument = z
  .object({ error: z.object({ code: z.string(), message: z.string() }) })
  .meta({ id: 'Error' });

/** One JSON answer of a route, as OpenAPI wants it. */
export function jsonAnswer<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

/** A body that must be there and must be JSON: without `required` an untyped body goes unchecked. */
export function jsonBody<T extends z.ZodType>(schema: T) {
  return { body: { required: true, content: { 'application/json': { schema } } } };
}

/** What every route may answer when it does not do what was asked. */
export const failures = { default: jsonAnswer('Not done.', ErrorDocument) };
