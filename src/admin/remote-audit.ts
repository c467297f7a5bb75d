import {
  AuditEntryView,
  AuditPageView,
  AuditVerificationView,
  CheckpointView,
  PublicKeyView,
} from './audit-schemas.ts';
import type { AuditOperations } from './operations.ts';
import type { Send } from './remote-operations.ts';

export function createRemoteAudit(send: Send): AuditOperations {
  return {
    page: ({ chain, ...rest }) => {
      const given = Object.entries(rest).flatMap(([name, value]): [string, string][] =>
        value === null ? [] : [[name, String(value)]],
      );
      const path = `/audit/rows/${chain}?${new URLSearchParams(given)}`;
      return send({ method: 'GET', path, answer: AuditPageView });
    },
    show: (ref) => {
      const [chain, row] = 'chain' in ref ? [ref.chain, ref.seq] : ['requests', ref.requestId];
      const path = `/audit/rows/${chain}/${encodeURIComponent(row)}`;
      return send({ method: 'GET', path, answer: AuditEntryView });
    },
    verify: (body) =>
      send({ method: 'POST', path: '/audit/verify', body, answer: AuditVerificationView }),
    checkpoint: () => send({ method: 'POST', path: '/audit/checkpoints', answer: CheckpointView }),
    publicKey: async () => {
      const path = '/audit/public-key';
      return (await send({ method: 'GET', path, answer: PublicKeyView })).public_key;
    },
  };
}
