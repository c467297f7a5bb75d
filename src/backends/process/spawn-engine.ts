import { statSync } from 'node:fs';
import { type Clock, type RandomBytes, systemClock, systemRandom } from '../../core/clock.ts';
import type { OutputStream } from './engine-output.ts';
import { isGroupAlive, killMarked } from './process-table.ts';

export interface SpawnRequest {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  /** How long the guard waits between SIGTERM and SIGKILL when the gateway is gone. */
  readonly stopTimeoutMs: number;
  /** Gets what it writes, from both of its outputs. */
  readonly onOutput: (bytes: Uint8Array, from: OutputStream) => void;
}

export interface EngineExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface SpawnedEngine {
  readonly pid: number;
  /** The program itself has ended; what it started may still run. */
  readonly exited: Promise<EngineExit>;
  /** SIGTERM, to it and everything it started. */
  terminate(): void;
  /** SIGKILL, to all of them. Resolves when none is left, or after a few seconds. */
  kill(): Promise<void>;
}

/** Throws an Error in plain words when the program cannot be started. */
export type SpawnEngine = (request: SpawnRequest) => SpawnedEngine;

/**
 * Runs in the shell that becomes the engine. Before it does, it leaves a guard behind: a process
 * that holds the other end of a pipe from the gateway. However the gateway ends, the pipe closes,
 * and the guard ends the group. It ignores SIGTERM, which is sent to the whole group on a stop.
 * Programs that left the group are found by a variable that they inherited, where there is /proc.
 *
 * $1: tenths of a second until SIGKILL, $2: the marker, then the command.
 */
const GUARD = `guard() {
  trap '' TERM INT HUP
  exec <&3 3<&- >/dev/null 2>&1
  read -r _
  kill -TERM 0
  n=0
  while [ $n -lt $1 ] && kill -0 $$; do
    grep -q '^State:.*Z' /proc/$$/status && break
    n=$((n + 1))
    sleep 0.1 || sleep 1
  done
  for environ in $(grep -l "$2" /proc/[0-9]*/environ); do
    environ=\${environ#/proc/}
    kill -KILL \${environ%/environ}
  done
  kill -KILL 0
}
exec 3<&0 </dev/null
(guard "$1" "$2" &)
LLMGATE_ENGINE=\${2#*=}
export LLMGATE_ENGINE
shift 2
exec "$@" 3<&-`;

/** Longest wait for the group to be gone: memory of a GPU that is being freed holds it up. */
const GONE_MS = 5_000;
const LOOK_EVERY_MS = 10;

/** Starts engines as processes of this machine. */
export const spawnEngine: SpawnEngine = createSpawnEngine(systemClock, systemRandom);

function createSpawnEngine(clock: Clock, random: RandomBytes): SpawnEngine {
  return ({ command, env, cwd, stopTimeoutMs, onOutput }) => {
    checkProgram(command, env, cwd);
    const marker = `LLMGATE_ENGINE=${random(16).toHex()}`;
    const tenths = String(Math.ceil(stopTimeoutMs / 100));
    const child = Bun.spawn(
      ['/bin/sh', '-c', GUARD, 'llmgate-engine', tenths, marker, ...command],
      {
        env: { ...env },
        ...(cwd === null ? {} : { cwd }),
        // Never written to: its end is what tells the guard that the gateway is gone.
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'pipe',
        detached: true,
      },
    );
    void drain(child.stdout, (bytes) => onOutput(bytes, 'stdout'));
    void drain(child.stderr, (bytes) => onOutput(bytes, 'stderr'));
    return {
      pid: child.pid,
      exited: child.exited.then(() => ({
        code: child.exitCode,
        signal: child.signalCode === null ? null : String(child.signalCode),
      })),
      terminate: () => signalGroup(child.pid, 'SIGTERM'),
      async kill() {
        signalGroup(child.pid, 'SIGKILL');
        await child.exited;
        const untilMs = clock.monotonicMs() + GONE_MS;
        // Killed again each time: one may have been born since.
        while ((await killMarked(marker)) > 0 || (await isGroupAlive(child.pid))) {
          if (clock.monotonicMs() >= untilMs) return;
          signalGroup(child.pid, 'SIGKILL');
          await Bun.sleep(LOOK_EVERY_MS);
        }
      },
    };
  };
}

/** The shell would say it too, but as one more line of output. */
function checkProgram(
  [program = '']: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string | null,
): void {
  if (cwd !== null && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Error(`there is no folder ${cwd}`);
  }
  const options = { PATH: env['PATH'] ?? '', ...(cwd === null ? {} : { cwd }) };
  if (Bun.which(program, options) !== null) return;
  throw new Error(
    program.includes('/')
      ? `${program} does not exist or may not be executed`
      : `there is no program ${program} in the PATH`,
  );
}

/** The engine leads its group, whose number is therefore its own. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // None of them is left.
  }
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  onOutput: (bytes: Uint8Array) => void,
): Promise<void> {
  try {
    for await (const bytes of stream) onOutput(bytes);
  } catch {
    // It ended together with its reader.
  }
}
