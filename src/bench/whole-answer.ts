import { fromErrorValue, isErrorValue } from '../protocols/backend-error.ts';
import { isObject } from '../protocols/call-fields.ts';
import type { AnswerFault } from './answer-fault.ts';
import { readStatedTokens, type StatedTokens } from './answer-usage.ts';
import type { BenchEndpoint } from './endpoint.ts';

/** A whole answer is kept until it can be parsed; embeddings of long lists are the longest. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** Reads an answer that comes in one piece. */
export class WholeAnswer {
  stated: StatedTokens | null = null;
  statedNonsense = false;
  readonly #endpoint: BenchEndpoint;
  readonly #pieces: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(endpoint: BenchEndpoint) {
    this.#endpoint = endpoint;
  }

  push(bytes: Uint8Array): AnswerFault | null {
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > BODY_BYTES_MAX) {
      return { class: 'too_large', detail: 'an answer of more than 16 MiB' };
    }
    this.#pieces.push(bytes);
    return null;
  }

  finish(): AnswerFault | null {
    let body: unknown;
    try {
      const [first, ...others] = this.#pieces;
      const bytes = others.length === 0 ? first : Buffer.concat(this.#pieces);
      body = JSON.parse(Buffer.from(bytes ?? '').toString());
    } catch {
      return { class: 'malformed', detail: 'the answer is not JSON' };
    }
    if (!isObject(body)) return { class: 'malformed', detail: 'the answer is no JSON object' };
    if (isErrorValue(body)) {
      const { message } = fromErrorValue(body);
      return { class: 'malformed', detail: message ?? 'an error with status 200' };
    }
    if (body['usage'] !== null && body['usage'] !== undefined) {
      this.stated = readStatedTokens(body['usage']);
      this.statedNonsense = this.stated === null;
    }
    const results = body[this.#endpoint === 'embeddings' ? 'data' : 'choices'];
    if (Array.isArray(results) && results.length > 0) return null;
    return { class: 'no_tokens', detail: 'the answer holds no result' };
  }
}
