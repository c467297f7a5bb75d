import { z } from 'zod';
import { LiveDocument } from '../observe/live-document.ts';
import { LIVE_LISTS } from '../observe/live-lists.ts';
import type { LiveOperations } from './live-operations.ts';
import { CancelResult, DrainResult } from './live-schemas.ts';
import type { Send } from './remote-operations.ts';

/** A gateway that is silent for so long is to be shown as one that is gone. */
const LIVE_TIMEOUT_MS = 5_000;

export function createRemoteLive(send: Send): LiveOperations {
  const answer = createLiveAnswer();
  const post = (path: string) => ({ method: 'POST', path }) as const;
  const backend = (id: string) => `/backends/${encodeURIComponent(id)}`;
  return {
    live: (since, lists = LIVE_LISTS) =>
      send({
        ...{ method: 'GET', path: `/live?since=${since}&lists=${lists.join()}`, answer },
        timeoutMs: LIVE_TIMEOUT_MS,
      }),
    drainBackend: (id) => send({ ...post(`${backend(id)}/drain`), answer: DrainResult }),
    resumeBackend: (id) => send({ ...post(`${backend(id)}/resume`), answer: DrainResult }),
    cancelRequest: (id) =>
      send({ ...post(`/requests/${encodeURIComponent(id)}/cancel`), answer: CancelResult }),
  };
}

/**
 * Asked ten times a second, checking every field of every row would cost more than all the rest.
 * A gateway whose first document was understood is believed until another one answers.
 */
function createLiveAnswer(): z.ZodType<LiveDocument> {
  let trusted = '';
  const isLive = (document: unknown): document is LiveDocument => {
    const named = Gateway.safeParse(document);
    if (!named.success) return false;
    const { version, started_at } = named.data.gateway;
    const gateway = `${version} ${started_at}`;
    if (gateway === trusted) return true;
    if (!LiveDocument.safeParse(document).success) return false;
    trusted = gateway;
    return true;
  };
  return z.custom<LiveDocument>(isLive);
}

const Gateway = z.object({ gateway: z.object({ version: z.string(), started_at: z.string() }) });
