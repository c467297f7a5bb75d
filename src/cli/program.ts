import { Command } from 'commander';
import { addAuditCommand } from './audit.ts';
import { addBackendsCommand } from './backends.ts';
import { addBackupCommand } from './backup.ts';
import { addBenchCommand } from './bench.ts';
import { addBudgetsCommand } from './budgets.ts';
import { VERSION } from './build-info.ts';
import { addCompletionCommand } from './completion.ts';
import { addDoctorCommand } from './doctor.ts';
import { addExplainCommand } from './explain.ts';
import { addInitCommand } from './init.ts';
import type { ProcessIo } from './io.ts';
import { addKeysCommand } from './keys.ts';
import { addLedgerCommand } from './ledger.ts';
import { addLogCommand } from './log.ts';
import { addMockCommand } from './mock.ts';
import { addModelsCommand } from './models.ts';
import { addReloadCommand } from './reload.ts';
import { addRestoreCommand } from './restore.ts';
import { addServeCommand } from './serve.ts';
import { addStatusCommand } from './status.ts';
import { addTopCommand } from './top.ts';
import { addUsageCommand } from './usage.ts';
import { addValidateCommand } from './validate.ts';
import { addVersionCommand } from './version.ts';

const EXAMPLE = `Examples:
  llmgate serve                              serve what runs on this machine
  llmgate init && llmgate serve              write llmgate.yaml first
  llmgate keys create --name alice           a key for alice, printed once
  llmgate usage --by key --since today       who used what

`;

/** Every command of llmgate, in the order in which a newcomer meets them. */
export function createProgram(io: ProcessIo): Command {
  const program = new Command('llmgate')
    .description('The front door of a GPU box.')
    .version(VERSION, '-V, --version', 'print the version')
    .addHelpText('before', EXAMPLE)
    .showHelpAfterError('(llmgate --help shows every command)');
  addServeCommand(program, io);
  addInitCommand(program, io);
  addValidateCommand(program, io);
  addKeysCommand(program, io);
  addUsageCommand(program, io);
  addBudgetsCommand(program, io);
  addLedgerCommand(program, io);
  addAuditCommand(program, io);
  addExplainCommand(program, io);
  addModelsCommand(program, io);
  addBackendsCommand(program, io);
  addBackupCommand(program, io);
  addRestoreCommand(program, io);
  addStatusCommand(program, io);
  addTopCommand(program, io);
  addReloadCommand(program, io);
  addLogCommand(program, io);
  addDoctorCommand(program, io);
  addBenchCommand(program, io);
  addMockCommand(program, io);
  addVersionCommand(program, io);
  addCompletionCommand(program, io);
  return program;
}
