import type { GateError } from '../core/error.ts';
import type { Usage } from '../core/usage.ts';
import type { FormBody } from './form-body.ts';
import type { Edit, JsonBody } from './json-body.ts';

/** What the gateway must understand of a request; everything else is forwarded unread. */
export interface CallShape {
  readonly model: string;
  readonly stream: boolean;
  /** The caller asked for the usage chunk of a stream, so it is not hidden. */
  readonly usageRequested: boolean;
  /** The caller's own bound on output tokens per choice; null when none was given. */
  readonly maxOutputTokens: number | null;
  /** Answers generated in all: `n` or `best_of`, times the prompts of a list; at least 1. */
  readonly choices: number;
  /** Our estimate of the input, made without a tokeniser. */
  readonly inputTokens: number;
  /** Edits that every backend needs, whatever the target. */
  readonly edits: readonly Edit[];
}

/** What a backend said it used. To be believed only after `saneUsage` has seen it. */
interface Reported {
  /** Converted to disjoint parts, NaN where it stated no count; null when it said nothing usable. */
  readonly usage: Usage | null;
  /** False when a figure was no count or the figures contradict each other. */
  readonly isUsageSound: boolean;
}

/** What a whole reply says about itself. */
export interface ReplyFacts extends Reported {
  readonly outputTokensCounted: number;
}

/**
 * What to do after one chunk of a stream, in this order: send `forward`, then either settle and
 * send `end`, or give up with `fault`. At most one of `end` and `fault` is set.
 */
export interface StreamStep {
  /** Whole frames for the caller. */
  readonly forward: Uint8Array | null;
  /** The protocol's terminal frame. Kept apart because the books are written before it is sent. */
  readonly end: Uint8Array | null;
  readonly fault: GateError | null;
}

/** Reads one reply stream; its usage is the latest, running usage included. Not reusable; chunks after `end` or `fault` are ignored. */
export interface StreamReader extends Reported {
  /** Keeps a view on `chunk` only inside the returned step. */
  push(chunk: Uint8Array): StreamStep;
  readonly outputTokensCounted: number;
  /** True once a delta carried something generated: the moment of the first token. */
  readonly sawContent: boolean;
  /** Bytes held back until their frame is whole. */
  readonly pendingBytes: number;
}

export type ChatLimit = 'max_tokens' | 'max_completion_tokens';

/** One wire format: how requests, replies, streams and errors of an endpoint look. */
export interface Wire {
  /** @throws GateError `invalid_request` or `model_not_found`, with `param`. */
  readCall(body: JsonBody): CallShape;
  /** Present where the endpoint also takes multipart/form-data. Throws as `readCall`. */
  readForm?(form: FormBody): CallShape;
  /**
   * @throws GateError `backend_protocol_error` when the body cannot be a reply of this protocol,
   * `backend_error` when it is an error sent with a success status.
   */
  readReply(body: Uint8Array): ReplyFacts;
  openStream(options: { readonly usageRequested: boolean }): StreamReader;
  /** The frame that tells the caller of a running stream that it failed. Nothing follows it. */
  renderErrorFrame(error: GateError, requestId: string): Uint8Array;
  /** False where a reply holds no generated text, so that no output tokens are ever counted. */
  readonly producesText: boolean;
  /**
   * The most output tokens per choice of a reply that is sound or pictures; absent where it is
   * neither. Nobody states a limit for these, so it is drawn from what the models can make.
   */
  mediaTokensMax?(call: CallShape): number;
  /**
   * The edits after which the backend stops at `tokens` of output per choice, none where the
   * caller asks for less; absent where no limit can be stated. `chatMember` is how chat says it
   * when the caller did not: OpenAI's own models know only the newer name, most engines both.
   */
  limitOutput?(body: JsonBody, tokens: number, chatMember: ChatLimit): readonly Edit[];
}
