import type { Endpoint } from '../../../src/core/call.ts';
import { NO_USAGE, type Usage } from '../../../src/core/usage.ts';
import type { BackendRequest, ReplyReader, Sender, Sending } from '../../../src/gateway/ports.ts';
import type { Target } from '../../../src/routing/model-table.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { framesOf, type UsageLie, usageJson } from './vendor-frames.ts';

/** How a vendor tells what it used. */
export type Reporting = 'final' | 'running' | 'none' | 'zero' | UsageLie;

const LIES: readonly UsageLie[] = ['negative', 'huge', 'fraction', 'text', 'wrong_total', 'parts'];

export type VendorState = 'asked' | 'answering' | 'ended' | 'failed' | 'aborted';

/** One request as its vendor sees it, moved on by steps. It keeps its own invoice. */
export class VendorRequest implements Sending {
  readonly id: string;
  readonly target: Target;
  readonly endpoint: Endpoint;
  readonly streamed: boolean;
  readonly choices: number;
  /** Of one choice, as the request says; null when it does not. */
  readonly maxTokens: number | null;
  readonly reporting: Reporting;
  /** Writes more than it was told to. */
  readonly isDisobedient: boolean;
  readonly isLargeInput: boolean;
  /** What it read and made; the output grows. */
  usage: Usage = NO_USAGE;
  state: VendorState = 'asked';
  readonly credential = 0;
  hasBegun = true;
  isPaused = false;
  /** It may have worked on the request, so nobody else may be asked. */
  wasReached = true;
  /** Status of its answer. */
  status: number | null = null;
  /** Deltas that were given to the gateway whole, and their characters. */
  deltas = 0;
  characters = 0;
  /** The usage that the gateway was told last while it ran; null when never. */
  told: Usage | null = null;
  /** The terminal was given to the gateway; of whole answers the end. */
  isComplete = false;
  readonly #reader: ReplyReader;
  readonly #random: SeededRandom;
  readonly #text: string[] = [];
  #wholeRest: Uint8Array | null = null;
  #hasStarted = false;
  #isUsageSent = false;

  constructor(target: Target, request: BackendRequest, reader: ReplyReader, random: SeededRandom) {
    this.target = target;
    this.#reader = reader;
    this.#random = random;
    this.id = request.headers.find(([name]) => name === 'x-request-id')?.[1] ?? '';
    const body = JSON.parse(new TextDecoder().decode(request.body ?? new Uint8Array()));
    this.endpoint = endpointOf(request.path);
    this.streamed = body.stream === true;
    this.choices = body.n ?? 1;
    this.maxTokens =
      body.max_tokens ?? body.max_completion_tokens ?? body.max_output_tokens ?? null;
    this.hasBegun = random.int(10) > 0;
    this.isDisobedient = random.int(25) === 0;
    this.isLargeInput = random.int(25) === 0;
    this.reporting = someReporting(random, this.streamed);
  }

  /** `estimate` is what the gateway took the input for: an honest tokenizer finds no more. */
  readInput(estimate: number): void {
    const random = this.#random;
    const inputTokens = this.isLargeInput
      ? estimate * 2 + random.int(50)
      : random.int(estimate + 1);
    const part = (of: number) => (random.int(3) === 0 ? random.int(of + 1) : 0);
    const cachedInputTokens = part(inputTokens);
    const cacheWriteTokens = part(inputTokens - cachedInputTokens);
    const hasMedia = this.endpoint === 'chat';
    const audioInputTokens = hasMedia
      ? part(inputTokens - cachedInputTokens - cacheWriteTokens)
      : 0;
    const parts = { cachedInputTokens, cacheWriteTokens, audioInputTokens };
    this.usage = { ...NO_USAGE, inputTokens, ...parts };
  }

  get isLive(): boolean {
    return this.state === 'asked' || this.state === 'answering';
  }

  abort(): void {
    if (this.isLive) this.state = 'aborted';
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** One event, as the seed has it. Returns what it was. */
  step(): string {
    if (!this.hasBegun && this.#random.int(4) > 0) {
      this.hasBegun = true;
      return 'sent';
    }
    return this.state === 'asked' ? this.#answer() : this.#continue();
  }

  /** Ends in whatever way is shortest and honest. */
  finish(): string {
    this.isPaused = false;
    this.hasBegun = true;
    if (this.state === 'asked') this.#head(200);
    if (!this.streamed) return this.#sendRest();
    return this.#terminal();
  }

  #answer(): string {
    const draw = this.#random.int(100);
    if (!this.hasBegun) return this.#fail('nothing_sent');
    if (draw < 4) {
      this.hasBegun = false;
      return this.#fail('nothing_sent');
    }
    if (draw < 8) return this.#fail('sent_nothing_read');
    if (draw < 16) return this.#refuse(this.#random.pick([400, 401, 404, 429, 429, 500, 503, 200]));
    this.#head(200);
    return 'head';
  }

  #head(status: number, contentType?: string): void {
    this.state = 'answering';
    this.status = status;
    const type = contentType ?? (this.streamed ? 'text/event-stream' : 'application/json');
    const retryAfter = status === 429 ? this.#random.pick(['', '0', '1', '90']) : undefined;
    this.#reader.onHead({
      status,
      headers: {
        get(name) {
          return name === 'content-type' ? type : name === 'retry-after' ? retryAfter : undefined;
        },
      },
    });
  }

  /** 200 stands for an answer of the wrong kind. */
  #refuse(status: number): string {
    this.#head(status, status === 200 ? 'text/html' : 'application/json');
    if (this.state !== 'answering') return `status ${status}, aborted`;
    // What it refuses it does not work on.
    if (status !== 200) this.wasReached = false;
    this.#reader.onData(bytesOf('{"error":{"message":"no"}}'));
    this.#end();
    return `status ${status}`;
  }

  #fail(stage: 'nothing_sent' | 'sent_nothing_read' | 'broken_midway'): string {
    this.state = 'failed';
    this.wasReached = stage !== 'nothing_sent';
    this.#reader.onFailure({ stage, cause: 'reset', message: 'simulated' });
    return stage;
  }

  #continue(): string {
    if (this.isPaused) return 'waits';
    const draw = this.#random.int(100);
    if (draw < 3) return this.#fail('broken_midway');
    return this.streamed ? this.#continueStream(draw) : this.#continueWhole(draw);
  }

  #continueStream(draw: number): string {
    if (draw < 5) return this.#cutStream();
    if (draw < 7) {
      // Whoever begins with an error has not worked.
      if (this.deltas === 0) this.wasReached = false;
      this.#push('data: {"error":{"message":"simulated"}}\n\n');
      return 'error frame';
    }
    if (draw < 8) {
      this.#push('data: {broken\n\n');
      return 'malformed frame';
    }
    const isFull = !this.#mayProduce();
    if (draw < 75 && !isFull) return this.#delta();
    if (draw < 82) return this.#reportUsage();
    return this.#terminal();
  }

  /** The framing ends well, the protocol does not. */
  #cutStream(): string {
    this.#end();
    return 'end without terminal';
  }

  #mayProduce(): boolean {
    if (this.endpoint === 'embeddings' || this.#isUsageSent) return false;
    const most = this.isDisobedient ? 400 : Math.min(this.maxTokens ?? 60, 60);
    return this.usage.outputTokens < most * this.choices;
  }

  #produce(): string {
    const { usage } = this;
    const isReasoning = this.endpoint === 'chat' && this.#random.int(4) === 0;
    this.usage = {
      ...usage,
      outputTokens: usage.outputTokens + 1,
      reasoningTokens: usage.reasoningTokens + (isReasoning ? 1 : 0),
    };
    // Of changing length, so that the short way past repeated frames is taken and not taken.
    const text = 'abcd'.slice(0, 1 + this.#random.int(4));
    this.#text.push(text);
    return text;
  }

  #delta(): string {
    let frames = this.#start();
    const count = 1 + this.#random.int(3);
    let made = 0;
    let characters = 0;
    while (made < count && this.#mayProduce()) {
      const text = this.#produce();
      made += 1;
      characters += text.length;
      // Not with every token: what is told lags behind what was made.
      const isTold = this.reporting === 'running' && this.#random.int(3) > 0;
      const running = isTold ? this.usage : null;
      frames += framesOf(this.endpoint).delta(text, made % this.choices, running);
      if (running !== null && framesOf(this.endpoint).carriesRunning) this.told = running;
    }
    this.deltas += made;
    this.characters += characters;
    this.#push(frames);
    return `${made} tokens`;
  }

  #reportUsage(): string {
    // Messages say it with the stop reason, responses with the terminal.
    if (this.endpoint !== 'chat' && this.endpoint !== 'completions') return this.#delta();
    if (this.#isUsageSent) return this.#terminal();
    const frame = this.#usageFrame();
    if (frame === null) return this.#terminal();
    this.#push(this.#start() + frame);
    return 'usage';
  }

  #start(): string {
    if (this.#hasStarted) return '';
    this.#hasStarted = true;
    const isTold = this.endpoint === 'messages' && this.#isHonest();
    if (isTold) this.told = { ...this.usage, outputTokens: 0, reasoningTokens: 0 };
    return framesOf(this.endpoint).start(isTold ? this.usage : null);
  }

  #isHonest(): boolean {
    return this.reporting === 'final' || this.reporting === 'running';
  }

  #usageFrame(): string | null {
    if (this.#isUsageSent || this.reporting === 'none') return null;
    const json = usageJson(this.endpoint, this.usage, this.reporting);
    const frame = framesOf(this.endpoint).usage(json);
    if (frame === '') return null;
    this.#isUsageSent = true;
    if (this.#isHonest()) this.told = this.usage;
    return frame;
  }

  #terminal(): string {
    if (this.isPaused) return 'waits';
    const wire = framesOf(this.endpoint);
    let frames = this.#start() + (this.#usageFrame() ?? '');
    const json =
      this.reporting === 'none' ? null : usageJson(this.endpoint, this.usage, this.reporting);
    if (frames !== '' && this.#random.int(2) === 0) {
      this.#push(frames);
      if (this.state !== 'answering') return 'aborted before its terminal';
      frames = '';
    }
    this.isComplete = true;
    this.#push(frames + wire.terminal(json));
    if (this.state === 'answering') this.#end();
    return 'terminal';
  }

  /** Whole frames, sometimes in two pieces that a frame does not respect. */
  #push(text: string): void {
    const bytes = bytesOf(text);
    if (bytes.length === 0) return;
    if (bytes.length > 4 && this.#random.int(3) === 0) {
      const cut = 1 + this.#random.int(bytes.length - 1);
      this.#reader.onData(bytes.subarray(0, cut));
      if (this.state !== 'answering') return;
      this.#reader.onData(bytes.subarray(cut));
      return;
    }
    this.#reader.onData(bytes);
  }

  #continueWhole(draw: number): string {
    if (this.#wholeRest === null) {
      while (this.#random.int(12) > 0 && this.#mayProduce()) this.#produce();
      this.#wholeRest = bytesOf(this.#wholeBody());
    }
    if (draw < 40 && this.#wholeRest.length > 10) {
      const cut = 1 + this.#random.int(this.#wholeRest.length - 1);
      const part = this.#wholeRest.subarray(0, cut);
      this.#wholeRest = this.#wholeRest.subarray(cut);
      this.#reader.onData(part);
      return 'part of the body';
    }
    return this.#sendRest();
  }

  #sendRest(): string {
    this.#wholeRest ??= bytesOf(this.#wholeBody());
    const rest = this.#wholeRest;
    this.#reader.onData(rest);
    if (this.state !== 'answering') return 'aborted before its end';
    this.isComplete = true;
    this.#end();
    return 'whole';
  }

  #wholeBody(): string {
    const json =
      this.reporting === 'none' ? null : usageJson(this.endpoint, this.usage, this.reporting);
    this.characters = this.#text.join('').length;
    return framesOf(this.endpoint).whole(this.#text.join(''), json);
  }

  #end(): void {
    this.state = 'ended';
    this.#reader.onEnd(false);
  }
}

function someReporting(random: SeededRandom, streamed: boolean): Reporting {
  const draw = random.int(100);
  if (draw < 60) return 'final';
  if (draw < 75) return streamed ? 'running' : 'final';
  if (draw < 83) return 'none';
  if (draw < 86) return 'zero';
  return random.pick(LIES);
}

function endpointOf(path: string): Endpoint {
  if (path.endsWith('/chat/completions')) return 'chat';
  if (path.endsWith('/completions')) return 'completions';
  if (path.endsWith('/embeddings')) return 'embeddings';
  return path.endsWith('/responses') ? 'responses' : 'messages';
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A sender whose vendors do nothing until they are told to. */
export function createVendor(
  random: SeededRandom,
  onAsked: (request: VendorRequest) => void,
  hasOtherKeys: boolean,
): Sender {
  return {
    send(target, request, reader) {
      const asked = new VendorRequest(target, request, reader, random);
      onAsked(asked);
      return asked;
    },
    credentialRefused: () => hasOtherKeys && random.int(2) === 0,
  };
}
