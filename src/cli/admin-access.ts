import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { GatewayConnection } from '../admin/gateway-connection.ts';
import type { Operations } from '../admin/operations.ts';
import { type Clock, type RandomBytes, systemClock, systemRandom } from '../core/clock.ts';
import type { StoreLog } from '../store/store-event.ts';
import { VERSION } from './build-info.ts';
import { type AccessFlags, type DataDir, findDataDir } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { nameActor } from './name-actor.ts';
import { toCliError } from './to-cli-error.ts';
import { toVisibleText } from './visible-text.ts';

/**
 * What a command must reach: a running gateway, a data directory that exists, or one that may be
 * made on the spot.
 */
export type AccessNeed = 'gateway' | 'data' | 'new_data';

export interface Access extends AccessFlags {
  readonly need: AccessNeed;
  readonly system?: SystemParts;
}

/** What commands take from the system when nobody hands them something else. */
export interface SystemParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export const SYSTEM: SystemParts = { clock: systemClock, random: systemRandom };

/** A gateway that is alive answers in milliseconds, even a busy one. */
const PROBE_TIMEOUT_MS = 5_000;

/** For commands that talk to a gateway, wherever it runs. */
export function addAccessOptions(command: Command): Command {
  return addLocalOptions(command).option(
    '--url <url>',
    'admin plane of a gateway elsewhere (LLMGATE_URL); its key is in LLMGATE_ADMIN_KEY',
  );
}

/** For commands that work on the files of this machine. */
export function addLocalOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file that names the data directory')
    .option('--data-dir <dir>', 'data directory, whatever the configuration says');
}

/**
 * Runs `use` with the operations of the gateway behind `--url`, else of the one that owns the data
 * directory or, when none runs, on the data directory itself, under its lock. What goes wrong is
 * thrown as a CliError.
 */
export async function withOperations<T>(
  io: CliIo,
  access: Access,
  use: (operations: Operations) => Promise<T>,
): Promise<T> {
  try {
    return await useOperations(io, access, use);
  } catch (cause) {
    throw toCliError(cause, io.signal);
  }
}

async function useOperations<T>(
  io: CliIo,
  access: Access,
  use: (operations: Operations) => Promise<T>,
): Promise<T> {
  const remote = await findRemote(access, io);
  if (remote !== null) {
    const { createRemoteOperations } = await import('../admin/remote-operations.ts');
    return await use(createRemoteOperations(remote, { signal: io.signal }));
  }
  const dataDir = await findDataDir(access, io);
  const socketPath = join(dataDir.path, 'admin.sock');
  if (await isAnswering(socketPath)) {
    const { createRemoteOperations } = await import('../admin/remote-operations.ts');
    return await use(
      createRemoteOperations({ socketPath }, { signal: io.signal, actor: nameActor(io) }),
    );
  }
  if (access.need === 'gateway') {
    throw new CliError(
      `no gateway is running on ${dataDir.path}`,
      EXIT.unreachable,
      'Start one with "llmgate serve", or name its directory with -c or --data-dir.',
    );
  }
  if (access.need === 'data' && !isDataDir(dataDir.path)) {
    throw new CliError(
      `there is no data directory at ${dataDir.path}`,
      EXIT.notFound,
      '"llmgate serve" or "llmgate keys create" makes one; -c or --data-dir names another.',
    );
  }
  return await useStore(io, dataDir, access, use);
}

/**
 * The gateway elsewhere that is meant, or null: `--url`, else `LLMGATE_URL` when no flag names a
 * directory here.
 */
export async function findRemote(
  flags: AccessFlags,
  io: Pick<CliIo, 'env'>,
): Promise<GatewayConnection | null> {
  const namesHere = flags.config !== undefined || flags.dataDir !== undefined;
  if (flags.url !== undefined && namesHere) {
    const hint = 'A gateway elsewhere has its own configuration and data directory.';
    throw new CliError('--url goes without -c and --data-dir', EXIT.usage, hint);
  }
  const written = flags.url ?? (namesHere ? undefined : io.env['LLMGATE_URL']);
  if (written === undefined || written === '') return null;
  const { parseGatewayUrl } = await import('../admin/gateway-connection.ts');
  const name = flags.url === undefined ? 'LLMGATE_URL' : '--url';
  let url: string;
  try {
    url = parseGatewayUrl(written);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`${name} cannot be used: ${why}`, EXIT.usage);
  }
  const key = io.env['LLMGATE_ADMIN_KEY'];
  if (key === undefined || !/^[\x21-\x7e]+$/.test(key)) {
    const state = key === undefined || key === '' ? 'is not set' : 'is not a key';
    throw new CliError(
      `LLMGATE_ADMIN_KEY ${state}`,
      EXIT.notAllowed,
      'It is a secret of admin.keys in the configuration of that gateway.',
    );
  }
  return { url, key };
}

/** One that has lost its database is one: opening it says what to do. */
function isDataDir(path: string): boolean {
  return ['llmgate.db', 'install-id'].some((name) => existsSync(join(path, name)));
}

async function useStore<T>(
  io: CliIo,
  dataDir: DataDir,
  access: Access,
  use: (operations: Operations) => Promise<T>,
): Promise<T> {
  const { openStore } = await import('../store/open-store.ts');
  const { openContentHere } = await import('../store/content/open-content-here.ts');
  const { createOperations } = await import('../admin/local-operations.ts');
  const { createOfflineSigning } = await import('./offline-signing.ts');
  const { findFileBudgets } = await import('./file-budgets.ts');
  const { clock, random } = access.system ?? SYSTEM;
  const { path, durability, contentKeys } = dataDir;
  // What happens to the files besides what was asked for, such as a migration.
  const log: StoreLog = ({ message }) => io.err(`llmgate: ${toVisibleText(message)}\n`);
  const store = await openStore({ dataDir: path, clock, durability, log, worker: false });
  const { isHeld } = store.legalHolds;
  const content = openContentHere({ dataDir: path, contentKeys, isHeld, random, log });
  try {
    const actor = { actor: nameActor(io), origin: 'offline' };
    const signing = createOfflineSigning(dataDir, store.audit, clock);
    return await use(
      createOperations({
        ...{ store, content, clock, random, signing, live: null, version: VERSION },
        actor: () => actor,
        fileBudgets: () => findFileBudgets(access, io, path),
      }),
    );
  } finally {
    try {
      content.close();
    } finally {
      await store.close();
    }
  }
}

/** Whether a gateway listens there. A socket file alone says nothing: it survives a kill. */
export async function isAnswering(socketPath: string): Promise<boolean> {
  if (!isReachable(socketPath)) return false;
  const { createRemoteOperations } = await import('../admin/remote-operations.ts');
  const probe = createRemoteOperations(
    { socketPath },
    { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) },
  );
  try {
    await probe.status();
    return true;
  } catch {
    return false;
  }
}

/** The permission of the socket is the login, so a refusal is an answer of its own. */
function isReachable(socketPath: string): boolean {
  try {
    accessSync(socketPath, constants.R_OK | constants.W_OK);
    return true;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code !== 'EACCES' && code !== 'EPERM') return false;
    throw new CliError(
      `this user may not open ${socketPath}`,
      EXIT.notAllowed,
      'Run the command as the user that runs the gateway.',
    );
  }
}
