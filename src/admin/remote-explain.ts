import { DryRunView } from './dry-run-schemas.ts';
import type { ExplainOperations } from './explain-operations.ts';
import { ExplainView } from './explain-schemas.ts';
import type { Send } from './remote-operations.ts';

export function createRemoteExplain(send: Send): ExplainOperations {
  return {
    request: (ref) =>
      send({
        ...{ method: 'GET', path: `/requests/${encodeURIComponent(ref)}/explain` },
        answer: ExplainView,
      }),
    dryRun: (body) => send({ method: 'POST', path: '/explain', body, answer: DryRunView }),
  };
}
