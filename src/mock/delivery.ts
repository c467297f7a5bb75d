import type { Answer, StreamFrames } from './answer.ts';
import type { Behaviour } from './behaviour.ts';
import type { UsageFault } from './fault.ts';
import { type Cut, cutAfterTokens, type Injection, type Insert } from './injection.ts';
import type { UsageSent } from './invoice.ts';
import { latencyAt } from './latency-curve.ts';
import type { ReplyHead, ReplyWriter } from './reply-writer.ts';
import type { SeededRandom } from './seeded-random.ts';
import { Timer, type TimerWheel } from './timer-wheel.ts';

/** The part of a `TimerWheel` that pacing needs. */
export type Pacemaker = Pick<TimerWheel, 'set' | 'cancel'>;

/** Text gathered before it is written, and what may wait in a connection before we make more. */
const BATCH_CHARACTERS = 64 * 1024;
const MAX_BACKLOG_BYTES = 256 * 1024;

const MALFORMED_FRAME = 'data: {"id":"broken","choices":[{"index":0,"delta":{"content":"x"\n\n';
const BAD_UTF8_FRAME = Buffer.from([...Buffer.from('data: {"x":"'), 0xc3, 0x28, 0xff, 0x0a, 0x0a]);

/** `cut` is an answer that ends here on purpose; what happens to the connection is in the cut. */
export type DeliveryEnd = { readonly kind: 'whole' } | { readonly kind: 'cut'; readonly cut: Cut };

export interface DeliveryListener {
  headFor(): ReplyHead;
  backlogBytes(): number;
  /** `tokens` of each choice have just been written. */
  sent(tokens: number, nowMs: number): void;
  ended(end: DeliveryEnd): void;
}

export interface DeliveryPlan {
  readonly answer: Answer;
  readonly behaviour: Behaviour;
  readonly injection: Injection;
}

/**
 * Writes one answer at the pace of its behaviour. Every token has a deadline counted from the
 * first one, so a late tick is caught up and the rate stays exact however busy the process is.
 */
export class Delivery {
  readonly #plan: DeliveryPlan;
  readonly #writer: ReplyWriter;
  readonly #wheel: Pacemaker;
  readonly #random: SeededRandom;
  readonly #listener: DeliveryListener;
  readonly #timer = new Timer((nowMs) => this.#run(nowMs));
  readonly #intervalMs: number;
  readonly #cutAt: number;
  #firstMs = 0;
  #dueMs = 0;
  #sent = 0;
  #nextInsert = 0;
  #commentsSent = 0;
  #batch = '';
  #hasHead = false;
  #hasOpened = false;
  #isBlocked = false;
  #isWritten = false;
  #usageSent: UsageSent = 'none';

  constructor(
    plan: DeliveryPlan,
    writer: ReplyWriter,
    pace: { wheel: Pacemaker; random: SeededRandom },
    listener: DeliveryListener,
  ) {
    this.#plan = plan;
    this.#writer = writer;
    this.#wheel = pace.wheel;
    this.#random = pace.random;
    this.#listener = listener;
    this.#intervalMs = plan.behaviour.tps > 0 ? 1000 / plan.behaviour.tps : 0;
    const { cut } = plan.injection;
    this.#cutAt = cut === null ? Number.POSITIVE_INFINITY : (cutAfterTokens(cut) ?? 0);
  }

  /** When the first token was made, whether or not it could be seen then. */
  get firstTokenMs(): number {
    return this.#firstMs;
  }

  /** What the caller was told of its usage up to now. */
  get usageSent(): UsageSent {
    return this.#usageSent;
  }

  /** Tokens of each choice that have been made, whether or not they could be seen. */
  stepsMade(nowMs: number): number {
    const { answer } = this.#plan;
    if (answer.stream !== null || nowMs < this.#firstMs) return this.#sent;
    if (nowMs >= this.#dueMs) return answer.steps;
    return Math.min(answer.steps, 1 + Math.floor((nowMs - this.#firstMs) / this.#intervalMs));
  }

  start(nowMs: number): void {
    const { answer, behaviour } = this.#plan;
    const { prompt, cached } = answer.counts;
    const prefillMs =
      behaviour.prefillTps > 0 ? ((prompt - cached) * 1000) / behaviour.prefillTps : 0;
    this.#firstMs =
      nowMs +
      (behaviour.latency === null
        ? behaviour.ttftMs + prefillMs
        : latencyAt(behaviour.latency, this.#random.next()));
    this.#dueMs = this.#firstMs;
    if (answer.stream === null && behaviour.latency === null) {
      this.#dueMs += Math.max(0, answer.steps - 1) * this.#intervalMs;
    }
    if (answer.stream !== null && behaviour.earlyHead) {
      this.#startStream();
      this.#writer.flushHead();
    }
    if (this.#dueMs <= nowMs) this.#run(nowMs);
    else this.#wheel.set(this.#timer, this.#dueMs);
  }

  /** The connection has room again. */
  drained(nowMs: number): void {
    if (this.#isWritten) return this.#listener.ended({ kind: 'whole' });
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#run(nowMs);
  }

  stop(): void {
    this.#wheel.cancel(this.#timer);
  }

  #run(nowMs: number): void {
    const { stream } = this.#plan.answer;
    if (stream === null) this.#writeWhole(nowMs);
    else this.#writeStream(stream, nowMs);
  }

  #writeWhole(nowMs: number): void {
    const { answer, injection } = this.#plan;
    const { cut } = injection;
    const head = this.#listener.headFor();
    let body = answer.whole();
    const isMalformed = injection.inserts.some(({ kind }) => kind === 'malformed');
    if (isMalformed) body = body.slice(0, body.length >> 1);
    if (cut?.kind === 'stall' || cut?.kind === 'reset' || cut?.kind === 'fin') {
      this.#writer.whole(head, body, true);
      return this.#listener.ended({ kind: 'cut', cut });
    }
    if (cut?.kind === 'bad_chunk') {
      this.#writer.start(head);
      this.#writer.part(body.slice(0, body.length >> 1));
      return this.#cut(cut);
    }
    this.#writer.whole(head, body);
    if (!isMalformed) this.#toldUsageIn('body');
    this.#listener.sent(answer.steps, nowMs);
    this.#written();
  }

  #writeStream(frames: StreamFrames, nowMs: number): void {
    if (!this.#hasHead) this.#startStream();
    if (!this.#hasOpened) this.#batch = frames.opening();
    this.#hasOpened = true;
    const { steps } = this.#plan.answer;
    const { cut } = this.#plan.injection;
    const { tokensPerChunk } = this.#plan.behaviour;
    for (;;) {
      if (!this.#writeInserts(frames, nowMs)) return;
      if (cut !== null && this.#sent >= Math.min(this.#cutAt, steps)) return this.#cut(cut, frames);
      if (this.#sent >= steps) break;
      if (this.#dueMs > nowMs) return this.#waitUntilDue();
      if (!this.#hasRoom()) return;
      const to = Math.min(this.#sent + tokensPerChunk, steps, this.#nextStop());
      this.#batch += frames.tokens(this.#sent, to);
      this.#listener.sent(to - this.#sent, nowMs);
      this.#sent = to;
      this.#dueMs = this.#firstMs + to * this.#intervalMs + this.#drawJitterMs();
    }
    this.#batch += frames.finish();
    this.#toldUsageIn('finish');
    if (!this.#plan.injection.skipsTerminal) {
      this.#batch += frames.terminal();
      this.#toldUsageIn('terminal');
    }
    this.#flush();
    this.#writer.end();
    this.#written();
  }

  #toldUsageIn(part: Answer['usageIn']): void {
    const { answer, injection } = this.#plan;
    if (answer.usageIn === part) this.#usageSent = howUsageReads(injection.usage);
  }

  #startStream(): void {
    this.#hasHead = true;
    this.#writer.start(this.#listener.headFor());
  }

  #drawJitterMs(): number {
    const { jitter } = this.#plan.behaviour;
    return jitter === 0 ? 0 : (this.#random.next() * 2 - 1) * jitter * this.#intervalMs;
  }

  /** Tokens are not sent past the place where something has to happen first. */
  #nextStop(): number {
    const insert = this.#plan.injection.inserts[this.#nextInsert];
    return Math.min(
      this.#cutAt > this.#sent ? this.#cutAt : Number.POSITIVE_INFINITY,
      insert?.after_tokens ?? Number.POSITIVE_INFINITY,
    );
  }

  #waitUntilDue(): void {
    this.#flush();
    this.#wheel.set(this.#timer, this.#dueMs);
  }

  /** False when the reader is too slow: goes on when the connection drains. */
  #hasRoom(): boolean {
    if (this.#batch.length >= BATCH_CHARACTERS) this.#flush();
    if (this.#listener.backlogBytes() <= MAX_BACKLOG_BYTES) return true;
    this.#flush();
    this.#isBlocked = true;
    return false;
  }

  #flush(): void {
    this.#writer.part(this.#batch);
    this.#batch = '';
  }

  /** Puts in what belongs before the next token. False while that takes its time. */
  #writeInserts(frames: StreamFrames, nowMs: number): boolean {
    const { inserts } = this.#plan.injection;
    for (;;) {
      const insert = inserts[this.#nextInsert];
      if (insert === undefined) return true;
      if (this.#sent < Math.min(insert.after_tokens, this.#plan.answer.steps)) return true;
      if (insert.kind === 'comments') {
        if (!this.#writeComment(insert, nowMs)) return false;
      } else this.#writeInsert(insert, frames);
      this.#nextInsert++;
    }
  }

  #writeInsert(insert: Exclude<Insert, { kind: 'comments' }>, frames: StreamFrames): void {
    switch (insert.kind) {
      case 'malformed':
        this.#batch += MALFORMED_FRAME;
        break;
      case 'huge_line':
        this.#batch += frames.text('x'.repeat(insert.bytes));
        break;
      case 'inject':
        this.#batch += insert.text;
        break;
      case 'bad_utf8':
        this.#flush();
        this.#writer.part(BAD_UTF8_FRAME);
        break;
    }
  }

  /** True when all of them are out. Without a count they never end. */
  #writeComment(insert: Extract<Insert, { kind: 'comments' }>, nowMs: number): boolean {
    const count = insert.count ?? Number.POSITIVE_INFINITY;
    if (this.#commentsSent >= count) {
      this.#commentsSent = 0;
      return true;
    }
    if (!this.#hasRoom()) return false;
    this.#batch += ': keep-alive\n\n';
    this.#commentsSent++;
    this.#flush();
    this.#wheel.set(this.#timer, nowMs + insert.every_ms);
    return false;
  }

  #cut(cut: Cut, frames?: StreamFrames): void {
    if (cut.kind === 'error_frame' && frames !== undefined)
      this.#batch += frames.error(cut.message);
    this.#flush();
    if (cut.kind === 'bad_chunk') this.#writer.raw('zz\r\nnot a chunk\r\n');
    else if (cut.kind === 'error_frame' || cut.kind === 'no_finish' || cut.kind === 'role_only') {
      this.#writer.end();
    } else this.#writer.flushHead();
    this.#listener.ended({ kind: 'cut', cut });
  }

  #written(): void {
    this.#isWritten = true;
    if (this.#listener.backlogBytes() === 0) this.#listener.ended({ kind: 'whole' });
  }
}

/** Faults of the frame around the numbers leave them right. */
function howUsageReads(fault: UsageFault | null): UsageSent {
  switch (fault) {
    case null:
    case 'twice':
    case 'no_choices':
    case 'null_choices':
      return 'right';
    case 'missing':
      return 'none';
    default:
      return 'wrong';
  }
}
