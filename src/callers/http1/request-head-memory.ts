import { OTHER_HEAD, RepeatedHead, SAME_HEAD } from '../../protocols/repeated-head.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';

/** Reads the heads of one connection. Clients repeat them, with another length. */
export class RequestHeadMemory {
  readonly #repeated = new RepeatedHead();
  #known: RequestHead | undefined;

  /** As `parseRequestHead`. Throws RequestProblem. */
  read(text: string): RequestHead {
    const known = this.#known;
    if (known !== undefined) {
      const length = this.#repeated.compare(text);
      if (length === SAME_HEAD) return known;
      // A body begins or ends to exist with its length, and `Expect` is about bodies.
      if (length > 0 && known.framing !== 0) return { ...known, framing: length };
      if (length !== OTHER_HEAD) return parseRequestHead(text);
    }
    const head = parseRequestHead(text);
    this.#repeated.remember(text);
    this.#known = head;
    return head;
  }
}
