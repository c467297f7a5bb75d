import type { Endpoint } from '../core/call.ts';
import type { Key } from '../core/key.ts';
import { matchesPattern } from '../core/pattern.ts';

/** A key without a list may use every model; an empty list allows none. */
export function mayUseModel(key: Key, model: string): boolean {
  return key.models === null || key.models.some((pattern) => matchesPattern(pattern, model));
}

/** A key without a list may use every endpoint; an empty list allows none. */
export function mayUseEndpoint(key: Key, endpoint: Endpoint): boolean {
  return key.endpoints === null || key.endpoints.includes(endpoint);
}
