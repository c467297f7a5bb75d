import type { Command } from 'commander';
import { SYSTEM, type SystemParts } from './admin-access.ts';
import type { CliIo } from './io.ts';
import { addKeysCreateCommand } from './keys-create.ts';
import { addKeysListCommand } from './keys-list.ts';
import { addKeysRevokeCommand } from './keys-revoke.ts';
import { addKeysRotateCommand } from './keys-rotate.ts';
import { addKeysShowCommand } from './keys-show.ts';
import { addKeysSuspendCommands } from './keys-suspend.ts';
import { addKeysUpdateCommand } from './keys-update.ts';

const EXAMPLE = `Examples:
  llmgate keys create --name alice --rpm 60 --budget 25/month
  llmgate keys list
  llmgate keys rotate alice --overlap 24h
  llmgate keys revoke alice
`;

/** Keys are named by their id, their name, or (to find out whose it is) their text. */
export function addKeysCommand(program: Command, io: CliIo, system: SystemParts = SYSTEM): void {
  const keys = program
    .command('keys')
    .description('make and manage API keys')
    .addHelpText('before', EXAMPLE);
  addKeysCreateCommand(keys, io, system);
  addKeysListCommand(keys, io, system);
  addKeysShowCommand(keys, io, system);
  addKeysUpdateCommand(keys, io, system);
  addKeysRotateCommand(keys, io, system);
  addKeysSuspendCommands(keys, io, system);
  addKeysRevokeCommand(keys, io, system);
}
