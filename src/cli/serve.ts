import type { Command } from 'commander';
import type { LoadConfig, ReadConfig } from '../app/reload.ts';
import type { RunningGateway } from '../app/run-gateway.ts';
import type { Config } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import type { WriteOut } from '../observe/line-sink.ts';
import type { Log } from '../observe/log.ts';
import { BUILD_INFO, VERSION } from './build-info.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo, ProcessIo } from './io.ts';

const EXAMPLE = `Examples:
  llmgate serve                        use ./llmgate.yaml, or what runs on this machine
  llmgate serve -c /etc/llmgate.yaml --listen 0.0.0.0:8080

`;

interface ServeFlags {
  readonly config?: string;
  readonly listen?: string;
}

export function addServeCommand(program: Command, io: ProcessIo): void {
  program
    .command('serve')
    .description('run the gateway')
    .addHelpText('before', EXAMPLE)
    .option('-c, --config <file>', 'configuration file (LLMGATE_CONFIG)')
    .option('--listen <address>', 'host:port to listen on instead of the configured one')
    .action((flags: ServeFlags) => serve(flags, io));
}

async function serve(flags: ServeFlags, io: ProcessIo): Promise<void> {
  // From the first moment: a SIGHUP that nobody listens to would end the process.
  const hangUp = { reload: () => {} };
  io.onSignal('SIGHUP', () => hangUp.reload());
  const source = await findConfig(flags, io);
  const { createLog } = await import('../observe/log.ts');
  const { createLineSink } = await import('../observe/line-sink.ts');
  const log = createLog({
    ...source.config.log,
    sink: createLineSink(io.errThen ?? writeAtOnce(io)),
    clock: systemClock,
  });
  const uncaught = watchUncaught(io, log);
  const gateway = await start(source, { log, io, uncaught });
  try {
    await announce(gateway, source, io);
    const reload = (origin: 'signal' | 'file') => {
      log.info('reload_asked', { by: origin });
      void gateway.reloader.reload({ actor: 'unknown', origin });
    };
    hangUp.reload = () => reload('signal');
    const stopWatching = await watchSource(source, reload);
    await untilStopped(gateway, io);
    stopWatching();
  } finally {
    log.flush();
  }
}

/** For a terminal that tells nothing of what became of a text. */
function writeAtOnce({ err }: CliIo): WriteOut {
  return (text, done) => {
    err(text);
    done(false);
  };
}

/** A bug in one request must not end the others: what nothing caught is told and counted. */
function watchUncaught(io: ProcessIo, log: Log): () => number {
  let count = 0;
  io.onUncaught((cause, kind) => {
    count += 1;
    log.error('uncaught', { kind, cause });
  });
  return () => count;
}

interface ConfigSource {
  readonly config: Config;
  /** Of the file, hexadecimal. */
  readonly sha256: string | null;
  /** null when nothing was written down and local engines were found instead. */
  readonly file: string | null;
  readonly load: LoadConfig;
}

/** The configuration, and how to read it again. Problems of the file end with exit code 78. */
async function findConfig(flags: ServeFlags, io: CliIo): Promise<ConfigSource> {
  const { findConfigFile } = await import('../config/find-config-file.ts');
  const { ConfigError } = await import('../config/problem.ts');
  const file = findConfigFile({ flag: flags.config, env: io.env, cwd: io.cwd });
  const load = async () => withListen(await readConfig(file, io), flags.listen);
  try {
    return { ...(await load()), file, load };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new CliError(cause.message, EXIT.config);
  }
}

async function readConfig(file: string | null, io: CliIo): Promise<ReadConfig> {
  if (file === null) {
    const { discoverConfig } = await import('./discover-config.ts');
    return { config: await discoverConfig(io), sha256: null };
  }
  const { loadConfig } = await import('../config/load.ts');
  const { config, sha256, warningText } = loadConfig({ path: file, env: io.env });
  if (warningText !== '') io.err(`${warningText}\n`);
  return { config, sha256 };
}

async function withListen(read: ReadConfig, listen: string | undefined): Promise<ReadConfig> {
  if (listen === undefined) return read;
  const { parseListenAddress } = await import('../config/listen-address.ts');
  const { BadValue } = await import('../config/bad-value.ts');
  try {
    const address = { ...read.config.listen, ...parseListenAddress(listen) };
    return { ...read, config: { ...read.config, listen: address } };
  } catch (cause) {
    if (!(cause instanceof BadValue)) throw cause;
    throw new CliError(`--listen ${cause.message}`, EXIT.usage);
  }
}

interface Surroundings {
  readonly log: Log;
  readonly io: ProcessIo;
  readonly uncaught: () => number;
}

async function start(source: ConfigSource, around: Surroundings): Promise<RunningGateway> {
  const { log, io, uncaught } = around;
  const { runGateway } = await import('../app/run-gateway.ts');
  const { StoreError, StoreInUseError } = await import('../store/store-error.ts');
  try {
    return await runGateway({
      config: source.config,
      configSha256: source.sha256,
      configFile: source.file,
      loadConfig: source.load,
      log,
      version: VERSION,
      commit: BUILD_INFO.commit,
      env: io.env,
      uncaught,
    });
  } catch (cause) {
    if (cause instanceof StoreInUseError) {
      const { dataDir } = source.config;
      throw new CliError(cause.message, EXIT.failed, `Another gateway serves from ${dataDir}.`);
    }
    if (cause instanceof StoreError) throw new CliError(cause.message);
    if (isAddressInUse(cause)) {
      const { hostname, port } = source.config.listen;
      throw new CliError(
        `cannot listen on ${hostname}:${port}: the address is in use`,
        EXIT.failed,
        'Stop what uses it, or choose another with --listen 127.0.0.1:8081.',
      );
    }
    if (source.config.listen.tls !== null && isTlsFault(cause)) {
      throw new CliError(
        `listen.tls: the certificate and the key cannot be used together: ${cause.message}`,
        EXIT.config,
        'Check that both files are PEM, unencrypted, and belong to each other.',
      );
    }
    throw cause;
  }
}

function isTlsFault(cause: unknown): cause is Error {
  return cause instanceof Error && /SSL|PEM|certificate/i.test(cause.message);
}

function isAddressInUse(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
}

async function announce(gateway: RunningGateway, source: ConfigSource, io: CliIo): Promise<void> {
  io.err(
    `llmgate ${VERSION} on ${gateway.url}, configuration: ${source.file ?? 'none (local engines)'}\n`,
  );
  if (gateway.recovered > 0) {
    const were = gateway.recovered === 1 ? 'request was' : 'requests were';
    io.err(`${gateway.recovered} ${were} left open by a crash and settled as expired\n`);
  }
  if (source.file !== null) return;
  const { keys } = await gateway.operations.keys.list({ after: null, limit: 1 });
  if (keys.length > 0) return;
  const issued = await gateway.operations.keys.create({ name: 'first' });
  io.err('This is your first key. It is shown only now; store it:\n');
  io.out(`${issued.key}\n`);
}

/** Reloads when the file changes. Returns how to stop watching. */
async function watchSource(
  { file }: ConfigSource,
  reload: (origin: 'file') => void,
): Promise<() => void> {
  if (file === null) return () => {};
  const { watchFile } = await import('../app/watch-file.ts');
  return watchFile(file, () => reload('file'));
}

/** The first signal drains; a second one cuts what still runs. */
async function untilStopped(gateway: RunningGateway, io: ProcessIo): Promise<void> {
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) return resolve();
    io.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const stopped = gateway.stop();
  const again = () => {
    io.setExitCode(EXIT.interrupted);
    void gateway.stop();
  };
  io.onSignal('SIGINT', again);
  io.onSignal('SIGTERM', again);
  await stopped;
}
