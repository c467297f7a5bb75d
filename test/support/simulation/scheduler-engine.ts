import type { SimulatedEvents } from './scheduler-events.ts';

/** How fast a simulated engine is, and how much it remembers. */
export interface EngineShape {
  readonly prefillTokensPerS: number;
  /** Time of one token of every running request. */
  readonly decodeBaseMs: number;
  /** Added to it by each of them. */
  readonly decodePerRequestMs: number;
  /** Blocks of the KV cache that are kept for later prompts. */
  readonly cacheBlocks: number;
  readonly blockTokens: number;
}

export interface EngineRequest {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Its blocks; a number stands for a block and all before it. */
  readonly blocks: readonly number[];
  onFirstToken(): void;
  onEnd(): void;
}

/**
 * A model server that reads one prompt after another and answers all that it has read at the same
 * time. Blocks that it has read are kept, the ones unused longest make room.
 */
export class SimulatedEngine {
  requests = 0;
  hitBlocks = 0;
  /** Prompt tokens that it had to read. */
  readTokens = 0;
  answeredTokens = 0;
  running = 0;
  readonly #events: SimulatedEvents;
  readonly #shape: EngineShape;
  readonly #cache = new Set<number>();
  /** Prompts that it has not read yet; the first is being read. */
  readonly #unread: EngineRequest[] = [];

  constructor(events: SimulatedEvents, shape: EngineShape) {
    this.#events = events;
    this.#shape = shape;
  }

  send(request: EngineRequest): void {
    this.requests += 1;
    this.#unread.push(request);
    if (this.#unread.length === 1) this.#readNext();
  }

  #readNext(): void {
    const [request] = this.#unread;
    if (request === undefined) return;
    const { blockTokens, prefillTokensPerS } = this.#shape;
    let hits = 0;
    while (hits < request.blocks.length && this.#cache.has(request.blocks[hits] ?? -1)) hits += 1;
    this.hitBlocks += hits;
    // The last token is always read, or nothing would come out.
    const tokens = Math.max(1, request.inputTokens - hits * blockTokens);
    this.readTokens += tokens;
    const durationMs = (tokens / prefillTokensPerS) * 1_000;
    this.#events.in(durationMs, () => {
      this.#keep(request.blocks);
      this.#unread.shift();
      request.onFirstToken();
      this.#decode(request);
      this.#readNext();
    });
  }

  #decode(request: EngineRequest): void {
    this.running += 1;
    const { decodeBaseMs, decodePerRequestMs } = this.#shape;
    const stepMs = decodeBaseMs + decodePerRequestMs * this.running;
    this.#events.in(stepMs * request.outputTokens, () => {
      this.running -= 1;
      this.answeredTokens += request.outputTokens;
      request.onEnd();
    });
  }

  /** The first blocks last: a block is of no use without those before it. */
  #keep(blocks: readonly number[]): void {
    for (const block of blocks.toReversed()) {
      this.#cache.delete(block);
      this.#cache.add(block);
    }
    for (const oldest of this.#cache) {
      if (this.#cache.size <= this.#shape.cacheBlocks) return;
      this.#cache.delete(oldest);
    }
  }
}
