import { findPrivateKeys, findSecrets } from '../../audit/redact-secret.ts';
import { coverSpans, type RedactionSpan } from '../../audit/redact-span.ts';
import type { Clock } from '../../core/clock.ts';

/** Longer lines are cut. */
const LINE_CHARS = 500;
const LINE_BYTES = 4 * LINE_CHARS;
const LINES_PER_SECOND = 50;
const KEPT_LINES = 20;

/** Shorter secrets would cover ordinary words. */
const SECRET_CHARS = 6;

/** Lines of the two are put together apart: an engine writes to both at once. */
export type OutputStream = 'stdout' | 'stderr';

interface OutputOptions {
  readonly clock: Clock;
  /** Covered wherever they appear: engines like to print their arguments. */
  readonly secrets: readonly string[];
  readonly onLine: (line: string) => void;
  /** Lines of the last second that were not told because there were too many. */
  readonly onDropped: (lines: number) => void;
}

/** What an engine writes, as lines that can be logged: neutral, short, and not too many. */
export class EngineOutput {
  readonly #options: OutputOptions;
  readonly #secrets: readonly string[];
  readonly #last: string[] = [];
  readonly #unended = { stdout: new UnendedLine(), stderr: new UnendedLine() };
  #secondStartMs = Number.NEGATIVE_INFINITY;
  #toldInSecond = 0;
  #dropped = 0;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#secrets = options.secrets.filter(({ length }) => length >= SECRET_CHARS);
  }

  /** The last lines, oldest first, also those that were not told. */
  get last(): readonly string[] {
    return this.#last;
  }

  write(bytes: Uint8Array, from: OutputStream = 'stdout'): void {
    const unended = this.#unended[from];
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(0x0a, start);
      // A progress bar ends its lines with a carriage return only.
      const until = end === -1 ? bytes.length : end;
      unended.keep(bytes.subarray(start, until));
      if (end === -1) return;
      this.#endLine(unended);
      start = end + 1;
    }
  }

  /** The process has ended: what has no line break is a line as well. */
  end(): void {
    for (const unended of Object.values(this.#unended)) this.#endLine(unended);
    this.#reportDropped();
  }

  #endLine(unended: UnendedLine): void {
    const { text, isCut } = unended.take();
    const line = this.#neutral(text, isCut);
    if (line === '') return;
    this.#last.push(line);
    if (this.#last.length > KEPT_LINES) this.#last.shift();
    this.#tell(line);
  }

  #tell(line: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#secondStartMs >= 1_000) {
      this.#reportDropped();
      this.#secondStartMs = nowMs;
      this.#toldInSecond = 0;
    }
    if (this.#toldInSecond >= LINES_PER_SECOND) {
      this.#dropped += 1;
      return;
    }
    this.#toldInSecond += 1;
    this.#options.onLine(line);
  }

  #reportDropped(): void {
    if (this.#dropped > 0) this.#options.onDropped(this.#dropped);
    this.#dropped = 0;
  }

  #neutral(text: string, isCut: boolean): string {
    // Of a line that was written over several times the last state counts.
    const shown = text.trimEnd().split('\r').at(-1) ?? '';
    let plain = shown.replace(ESCAPES, '').replace(CONTROLS, ' ').trim();
    for (const secret of this.#secrets) plain = plain.replaceAll(secret, '[SECRET]');
    const found: RedactionSpan[] = [];
    findPrivateKeys(plain, found);
    findSecrets(plain, found);
    plain = coverSpans(plain, found, false);
    return plain.length > LINE_CHARS || isCut ? `${plain.slice(0, LINE_CHARS)}…` : plain;
  }
}

/** A line that is being written; bounded. */
class UnendedLine {
  #bytes = new Uint8Array(0);
  #isCut = false;

  keep(bytes: Uint8Array): void {
    const room = LINE_BYTES - this.#bytes.length;
    if (bytes.length > room) this.#isCut = true;
    if (room <= 0 || bytes.length === 0) return;
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(0, room)]);
  }

  take(): { readonly text: string; readonly isCut: boolean } {
    const taken = { text: new TextDecoder().decode(this.#bytes), isCut: this.#isCut };
    this.#bytes = new Uint8Array(0);
    this.#isCut = false;
    return taken;
  }
}

/** ECMA-48: control sequences, and strings such as titles of windows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
/** Controls, and marks that turn the direction of what follows. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;
