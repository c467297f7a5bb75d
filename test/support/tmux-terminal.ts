import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program inside tmux: a terminal that other people wrote, with a shell around the program. */
export class TmuxTerminal implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'llmgate-tmux-'));

  /** `command` is a line for the shell; after it the terminal stays. */
  constructor(command: string, columns: number, rows: number) {
    const size = ['-x', String(columns), '-y', String(rows)];
    this.#run('new-session', '-d', ...size, `${command}; echo "ended with $?"; cat`);
  }

  press(...keys: readonly string[]): void {
    this.#run('send-keys', ...keys);
  }

  resize(columns: number, rows: number): void {
    this.#run('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The screen once it shows this. Throws with what it shows instead after `timeoutMs`. */
  async shows(wanted: string, timeoutMs = 15_000): Promise<string> {
    const giveUpMs = performance.now() + timeoutMs;
    for (;;) {
      const text = this.#run('capture-pane', '-p');
      if (text.includes(wanted)) return text;
      if (performance.now() > giveUpMs) {
        throw new Error(`the screen does not show ${wanted}; it shows:\n${text}`);
      }
      // Polls: tmux tells nobody that a screen has changed.
      await Bun.sleep(20);
    }
  }

  [Symbol.dispose](): void {
    this.#run('kill-server');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(...args: string[]): string {
    const socket = join(this.#folder, 'socket');
    const { stdout, stderr, exitCode } = Bun.spawnSync(
      ['tmux', '-f', '/dev/null', '-S', socket, ...args],
      { env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', TERM: 'xterm' } },
    );
    if (exitCode !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout.toString();
  }
}
