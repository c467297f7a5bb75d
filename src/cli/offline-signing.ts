import type { AuditSigning } from '../admin/audit-operations.ts';
import { OperationError } from '../admin/operation-error.ts';
import type { Clock } from '../core/clock.ts';
import type { AuditTrail } from '../store/audit-trail.ts';
import { createCheckpointer } from '../store/checkpointer.ts';
import { findPublicKeys, loadSigningKey } from '../store/signing-key-file.ts';
import type { DataDir } from './data-dir.ts';

/** The key of the configuration or the data directory, for a command on books that nobody serves. */
export function createOfflineSigning(
  { path, signingKey: pem }: DataDir,
  audit: AuditTrail,
  clock: Clock,
): AuditSigning {
  const source = { dataDir: path, installId: audit.installId };
  return {
    checkpointer() {
      if (pem === undefined) {
        throw new OperationError(
          'unavailable',
          'the configuration cannot be read, so it is not known which key signs: "llmgate validate" says why',
        );
      }
      // A second key beside the one in use would make every checkpoint of one of them look forged.
      if (
        pem === null &&
        findPublicKeys({ ...source, pem }) === null &&
        audit.lastCheckpoint() !== null
      ) {
        throw new OperationError(
          'unavailable',
          'the key that signs is not in the data directory: name the configuration that has it with -c',
        );
      }
      return createCheckpointer({ audit, clock, key: loadSigningKey({ ...source, pem }) });
    },
    // Looking must not make a key.
    publicKeys: () => (pem === undefined ? null : findPublicKeys({ ...source, pem })),
  };
}
