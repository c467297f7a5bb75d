import type { SendFailure } from '../backends/http1/send-failure.ts';

/**
 * Why a request has no whole answer: what the connection did (`refused`, `reset`, `idle_timeout` …),
 * `http_429` and the like, or what was wrong with what came.
 */
export type FaultClass =
  | SendFailure['cause']
  | `http_${number}`
  | 'wrong_content_type'
  | 'malformed'
  | 'error_in_stream'
  | 'stream_broken'
  | 'no_tokens'
  | 'too_large';

export interface AnswerFault {
  readonly class: FaultClass;
  /** For people; may quote the server, without control characters. */
  readonly detail: string;
}
