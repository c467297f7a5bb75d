import type { Command } from 'commander';
import type { SystemParts } from './admin-access.ts';
import { addHoldListCommand } from './audit-hold-list.ts';
import { addHoldPlaceCommand } from './audit-hold-place.ts';
import { addHoldReleaseCommand } from './audit-hold-release.ts';
import type { CliIo } from './io.ts';

const EXAMPLE = `Examples:
  llmgate audit hold place --user ada --reason "case 7, asked for by legal"
  llmgate audit hold list
  llmgate audit hold release 1 --reason "case 7 is closed"
`;

export function addAuditHoldCommand(audit: Command, io: CliIo, system: SystemParts): void {
  const hold = audit
    .command('hold')
    .description('legal holds: what must not be removed, however old it is')
    .addHelpText('before', EXAMPLE);
  addHoldPlaceCommand(hold, io, system);
  addHoldListCommand(hold, io, system);
  addHoldReleaseCommand(hold, io, system);
}
