import type { Behaviour } from './behaviour.ts';
import type { UsageFault } from './fault.ts';
import type { HttpRequest } from './http-request.ts';
import { NO_TOKENS, type TokenCounts } from './token-counts.ts';

/** A JSON body as it came: nothing about it is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** One inference request with everything an endpoint needs to answer it. */
export interface Call {
  readonly request: HttpRequest;
  /** Empty for requests without a JSON body. */
  readonly body: JsonObject;
  readonly model: string;
  readonly behaviour: Behaviour;
  readonly usageFault: UsageFault | null;
  /** Unique per request and repeatable: part of every id in the answer. */
  readonly serial: number;
  readonly createdSeconds: number;
  readonly seed: number;
  /** null: no limit. */
  readonly contextTokens: number | null;
  readonly engine: EngineView;
}

/** What the pages about the engine itself need to know of it. */
export interface EngineView {
  readonly models: readonly string[];
  readonly startedSeconds: number;
  readonly inFlight: number;
  renderMetrics(): string;
}

/** The frames of one streamed answer. Called in this order; each returns wire text. */
export interface StreamFrames {
  opening(): string;
  /** Tokens from `from` up to, not including, `to`. */
  tokens(from: number, to: number): string;
  /** One frame with a text of the fault's choice, in the place of a token. */
  text(text: string): string;
  /** Finish reason and usage. */
  finish(): string;
  /** What says that this is the end. */
  terminal(): string;
  error(message: string): string;
}

export interface Answer {
  readonly contentType: string;
  readonly counts: TokenCounts;
  /** Which part of the answer tells the caller its usage. */
  readonly usageIn: 'body' | 'finish' | 'terminal' | 'nowhere';
  /** Tokens of one choice: the steps that take time. */
  readonly steps: number;
  readonly choices: number;
  readonly finishReason: string;
  /** Nothing of it is billed: no model ran. */
  readonly isFree: boolean;
  /** The answer in one piece. */
  readonly whole: () => string | Uint8Array;
  /** null when the caller did not ask for a stream. */
  readonly stream: StreamFrames | null;
}

/** An answer that is one body, with no tokens to wait for. */
export function createPlainAnswer(
  body: string | Uint8Array | object,
  over: {
    contentType?: string;
    promptTokens?: number;
    usageIn?: Answer['usageIn'];
    isFree?: boolean;
  } = {},
): Answer {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const prompt = over.promptTokens ?? 0;
  return {
    contentType: over.contentType ?? 'application/json',
    counts: { ...NO_TOKENS, prompt },
    usageIn: over.usageIn ?? 'nowhere',
    steps: 0,
    isFree: over.isFree ?? false,
    choices: 1,
    finishReason: 'stop',
    whole: () => (isRaw ? body : JSON.stringify(body)),
    stream: null,
  };
}
