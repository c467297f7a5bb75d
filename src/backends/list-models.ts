import { type DiscoveredModel, readModelList } from '../protocols/model-discovery.ts';
import { type Backend, currentHeaders } from './backend.ts';
import type { HttpClient } from './http1/client.ts';
import { collect } from './http1/collect.ts';

/** Longer lists than any vendor has are not believed. */
const LIST_BYTES_MAX = 4 * 1024 * 1024;

const LIST_DEADLINES = {
  connectMs: 2_000,
  firstByteMs: 5_000,
  idleMs: 5_000,
  totalMs: 10_000,
};

/**
 * Asks a backend for the models it serves, at this monotonic time. Throws a plain Error that says
 * what went wrong.
 */
export async function listModels(
  client: HttpClient,
  backend: Backend,
  nowMs: number,
): Promise<DiscoveredModel[]> {
  const { origin } = backend;
  const reply = await collect(
    client,
    {
      origin,
      method: 'GET',
      path: `${origin.basePath}/v1/models`,
      headers: [['accept', 'application/json'], ...currentHeaders(backend, nowMs)],
      body: null,
      deadlines: LIST_DEADLINES,
    },
    LIST_BYTES_MAX,
  );
  if (reply.status !== 200) throw new Error(`/v1/models answered ${reply.status}`);
  return readModelList(reply.body);
}
