import type { EngineLoad } from '../../routing/replica.ts';
import { readEngineLoad } from '../engine-load/engine-load.ts';
import type { HttpClient, OutgoingRequest } from '../http1/client.ts';
import { collect } from '../http1/collect.ts';

/** `absent`: there is no such page, or nothing on it that says how busy the engine is. */
export type LoadResult =
  | { readonly kind: 'load'; readonly load: EngineLoad }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed' };

/** Real pages have a few hundred kilobytes. */
const PAGE_BYTES_MAX = 1_048_576;

/** Reads an engine's metrics page. Never rejects. */
export async function readLoad(client: HttpClient, request: OutgoingRequest): Promise<LoadResult> {
  try {
    const { status, body } = await collect(client, request, PAGE_BYTES_MAX);
    if (status >= 500 && status !== 501) return { kind: 'failed' };
    const load = status === 200 ? readEngineLoad(Buffer.from(body)) : null;
    return load === null ? { kind: 'absent' } : { kind: 'load', load };
  } catch {
    return { kind: 'failed' };
  }
}
