import type { HoldOperations } from './hold-operations.ts';
import { HoldListView, HoldView } from './hold-schemas.ts';
import type { Send } from './remote-operations.ts';

export function createRemoteHolds(send: Send): HoldOperations {
  const path = '/audit/holds';
  return {
    place: (body) => send({ method: 'POST', path, body, answer: HoldView }),
    list: async () => (await send({ method: 'GET', path, answer: HoldListView })).holds,
    release: (id, body) =>
      send({ method: 'POST', path: `${path}/${id}/release`, body, answer: HoldView }),
  };
}
