/**
 * Everything a command may know of the terminal and process around it. Commands take this instead
 * of the globals, so a test runs them without a process. `out` and `err` write text as it is: the
 * caller adds the newline and neutralises what came from elsewhere.
 */
export interface CliIo {
  out(text: string): void;
  /** Resolves when all that was printed has been taken: for what is too long to wait in memory. */
  readonly written?: () => Promise<void>;
  err(text: string): void;
  /** As `err`, and tells once whether it was taken; left out, it is at once. */
  readonly errThen?: (text: string, done: (failed: boolean) => void) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdoutIsTty: boolean;
  /** Left out, it is none. */
  readonly stderrIsTty?: boolean;
  /** Width of the terminal in cells; 80 where none is known. */
  readonly columns: number;
  setExitCode(code: number): void;
  /** Aborted on the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Asks on the terminal and waits for a line. Absent when stdin or stderr is no terminal. */
  readonly ask?: (question: string) => Promise<string>;
}

/** What `serve` needs besides: it goes on after the first signal, and SIGHUP means something to it. */
export interface ProcessIo extends CliIo {
  onSignal(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): void;
  /** Errors that nothing caught come here from now on, and no longer end the process. */
  onUncaught(listener: (cause: unknown, kind: 'exception' | 'rejection') => void): void;
}
