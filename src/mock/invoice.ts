import type { EndedBy } from './request-log.ts';
import type { TokenCounts } from './token-counts.ts';

/**
 * What the caller was told about usage: `right` is what was made, `wrong` a fault's numbers,
 * `none` no report, or one that was not written to the end.
 */
export type UsageSent = 'right' | 'wrong' | 'none';

/** Tokens by what they are billed as: parts of input and output that do not overlap. */
export interface InvoiceTokens {
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_write_tokens: number;
  readonly audio_input_tokens: number;
  readonly image_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly audio_output_tokens: number;
  readonly image_output_tokens: number;
}

/** What one request made this engine do, whatever its caller was told. */
export interface InvoiceLine extends InvoiceTokens {
  readonly id: number;
  readonly x_request_id: string | null;
  readonly path: string;
  readonly model: string;
  readonly ended_by: EndedBy;
  readonly status: number | null;
  readonly fault: string | null;
  readonly usage_sent: UsageSent;
}

export function toInvoiceTokens(counts: TokenCounts): InvoiceTokens {
  return {
    input_tokens: counts.prompt,
    cached_input_tokens: counts.cached,
    cache_write_tokens: counts.cacheWrite,
    audio_input_tokens: counts.audioInput,
    image_input_tokens: counts.imageInput,
    output_tokens: counts.completion,
    reasoning_tokens: counts.reasoning,
    audio_output_tokens: counts.audioOutput,
    image_output_tokens: counts.imageOutput,
  };
}

/** One line for each request that has ended, oldest first. Past the limit none are added. */
export class Invoice {
  readonly #limit: number;
  #lines: InvoiceLine[] = [];
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Requests that found no room. An invoice with any is not complete. */
  get dropped(): number {
    return this.#dropped;
  }

  add(line: InvoiceLine): void {
    if (this.#lines.length < this.#limit) this.#lines.push(line);
    else this.#dropped++;
  }

  /** Lines from `offset` on, in the order in which the requests ended. */
  lines(offset = 0, limit = Number.POSITIVE_INFINITY): readonly InvoiceLine[] {
    return this.#lines.slice(offset, offset + limit);
  }

  clear(): void {
    this.#lines = [];
    this.#dropped = 0;
  }
}
