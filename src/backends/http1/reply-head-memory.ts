import { OTHER_HEAD, RepeatedHead, SAME_HEAD } from '../../protocols/repeated-head.ts';
import { type ParsedHead, parseReplyHead, withLength } from './reply-head.ts';

/** Reads the heads of one connection. Servers repeat them, until the second of their date changes. */
export class ReplyHeadMemory {
  readonly #repeated = new RepeatedHead();
  #known: ParsedHead | null = null;
  #wasToHead = false;

  /** As `parseReplyHead`. Throws ReplyProblem. */
  read(text: string, toHead: boolean): ParsedHead {
    const known = this.#known;
    if (known !== null && toHead === this.#wasToHead) {
      const length = this.#repeated.compare(text);
      if (length === SAME_HEAD) return known;
      if (length !== OTHER_HEAD) return withLength(known, length);
    }
    const parsed = parseReplyHead(text, toHead);
    this.#repeated.remember(text);
    this.#known = parsed;
    this.#wasToHead = toHead;
    return parsed;
  }
}
