import type { JsonObject } from './answer.ts';
import { isObject } from './fields.ts';
import type { HttpRequest } from './http-request.ts';
import { createBadRequest } from './refusal.ts';

const NO_BODY: JsonObject = {};

/**
 * The fields of a request: of a JSON object, or of a multipart form, where a file is shown as its
 * name, type and size. Throws or rejects with `Refusal` when it is neither.
 */
export function readBody(request: HttpRequest): JsonObject | Promise<JsonObject> {
  if (request.body.length === 0) return NO_BODY;
  const contentType = request.headers.get('content-type') ?? '';
  if (contentType.startsWith('multipart/form-data')) return readForm(request.body, contentType);
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString('utf8'));
  } catch {
    throw createBadRequest('The body is not JSON.');
  }
  if (!isObject(body)) throw createBadRequest('The body is not a JSON object.');
  return body;
}

async function readForm(body: Buffer, contentType: string): Promise<JsonObject> {
  const fields: Record<string, unknown> = {};
  try {
    const form = await new Response(body, { headers: { 'content-type': contentType } }).formData();
    for (const [name, value] of form) {
      fields[name] =
        typeof value === 'string'
          ? value
          : { name: value.name, type: value.type, bytes: value.size };
    }
  } catch {
    throw createBadRequest('The body is not a multipart form.');
  }
  return fields;
}
