const HOME = '\x1b[H';
const CLEAR_TO_END = '\x1b[J';
const CLEAR_LINE = '\x1b[K';
// Terminals that know synchronized output show the frame at once; the others ignore it.
const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';

/**
 * Turns frames into what has to be written to a terminal: the lines that differ from those it shows.
 * Over ssh that is most of what a frame costs.
 */
export class FrameWriter {
  #shown: readonly string[] = [];

  /** Empty when nothing differs. */
  write(lines: readonly string[]): string {
    let text = '';
    for (const [at, line] of lines.entries()) {
      // Erased before it is written: behind a line that is full, that would take its last character.
      if (line !== this.#shown[at]) text += `\x1b[${at + 1};1H${CLEAR_LINE}${line}`;
    }
    if (lines.length < this.#shown.length) {
      text += `\x1b[${lines.length + 1};1H${CLEAR_TO_END}`;
    }
    this.#shown = lines;
    return text === '' ? '' : BEGIN + text + END;
  }

  /** The terminal shows something else now: the next frame is written as a whole. */
  forget(): string {
    this.#shown = [];
    return HOME + CLEAR_TO_END;
  }
}
