import type { JsonObject } from './answer.ts';
import { createBadRequest } from './refusal.ts';

/** The fields of an untrusted JSON body, each checked when it is read. All throw `Refusal`. */

export function getList(body: JsonObject, name: string): readonly unknown[] {
  const value = body[name];
  if (Array.isArray(value) && value.length > 0) return value;
  throw createBadRequest(`${name} must be a list with at least one item.`, name);
}

export function getObject(body: JsonObject, name: string): JsonObject {
  const value = body[name];
  return isObject(value) ? value : {};
}

/** null when it is absent or null. */
export function findCount(body: JsonObject, ...names: string[]): number | null {
  for (const name of names) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
    throw createBadRequest(`${name} must be an integer of at least 1.`, name);
  }
  return null;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
