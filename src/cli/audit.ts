import type { Command } from 'commander';
import { SYSTEM, type SystemParts } from './admin-access.ts';
import { addAuditCheckpointCommand } from './audit-checkpoint.ts';
import { addAuditContentCommand } from './audit-content.ts';
import { addAuditEraseCommand } from './audit-erase.ts';
import { addAuditExportCommand } from './audit-export.ts';
import { addAuditHoldCommand } from './audit-hold.ts';
import { addAuditListCommand } from './audit-list.ts';
import { addAuditShowCommand } from './audit-show.ts';
import { addAuditVerifyCommand } from './audit-verify.ts';
import type { CliIo } from './io.ts';

const EXAMPLE = `Examples:
  llmgate audit list                         who changed what, newest first
  llmgate audit verify                       is everything as it was written?
  llmgate audit checkpoint --out today.note  to keep elsewhere
`;

export function addAuditCommand(program: Command, io: CliIo, system: SystemParts = SYSTEM): void {
  const audit = program
    .command('audit')
    .description('what happened, and the proof that nobody changed the record of it')
    .addHelpText('before', EXAMPLE);
  addAuditListCommand(audit, io, system);
  addAuditShowCommand(audit, io, system);
  addAuditVerifyCommand(audit, io, system);
  addAuditExportCommand(audit, io, system);
  addAuditCheckpointCommand(audit, io, system);
  addAuditContentCommand(audit, io, system);
  addAuditEraseCommand(audit, io, system);
  addAuditHoldCommand(audit, io, system);
}
