import type { Answer, Call, JsonObject } from './answer.ts';
import { type Behaviour, BehaviourError } from './behaviour.ts';
import type { Connection, Responder } from './connection.ts';
import { Delivery, type DeliveryEnd, type DeliveryListener } from './delivery.ts';
import type { Engine } from './engine.ts';
import type { HttpRequest } from './http-request.ts';
import { createInjection, cutAfterTokens, type Injection } from './injection.ts';
import {
  createBadRequest,
  createOverloaded,
  createUnknownRoute,
  Refusal,
  toAnthropicRefusal,
} from './refusal.ts';
import { createFailure, createReplacement, createUnauthorized } from './replacement.ts';
import { type ReplyHead, ReplyWriter } from './reply-writer.ts';
import { readBody } from './request-body.ts';
import type { EndedBy, LogEntry } from './request-log.ts';
import type { Route } from './routes.ts';
import { Timer } from './timer-wheel.ts';

/**
 * One request from its last byte to the end of the reply. Everything that ends it goes through
 * `#end`, which gives back what was taken and counts it once.
 */
export class Exchange implements Responder, DeliveryListener {
  readonly #engine: Engine;
  readonly #connection: Connection;
  readonly #request: HttpRequest;
  readonly #route: Route | undefined;
  readonly #entry: LogEntry;
  #injection: Injection = createInjection([]);
  #behaviour: Behaviour;
  #writer: ReplyWriter;
  #answer: Answer | null = null;
  #delivery: Delivery | null = null;
  #delay: Timer | null = null;
  /** What holds or waits for a place in the batch. */
  #slotTaker: (() => void) | null = null;
  #startedMs = 0;
  #lastSentMs = 0;

  constructor(engine: Engine, connection: Connection, request: HttpRequest) {
    this.#engine = engine;
    this.#connection = connection;
    this.#request = request;
    this.#route = engine.routeFor(request);
    this.#behaviour = engine.behaviour;
    this.#entry = engine.begin(request, connection, this.#route);
    this.#writer = this.#createWriter();
  }

  start(): void {
    if (this.#route === undefined) return this.#refuse(createUnknownRoute(this.#request.path));
    const body = this.#attempt(() => readBody(this.#request));
    if (body instanceof Promise) {
      body.then(
        (form) => this.#proceed(form),
        (cause) => this.#refuse(cause),
      );
    } else if (body !== undefined) this.#proceed(body);
  }

  callerLeft(): void {
    this.#end('caller_left');
  }

  drained(): void {
    this.#delivery?.drained(this.#engine.clock.monotonicMs());
  }

  stopped(): void {
    this.#end('mock_stopped');
  }

  #proceed(body: JsonObject): void {
    const route = this.#route;
    if (route === undefined || this.#entry.endedBy !== null) return;
    const model = this.#engine.modelOf(body);
    this.#entry.model = model;
    this.#entry.stream = body['stream'] === true;
    const behaviour = this.#attempt(() => this.#engine.behaviourFor(this.#request, route, model));
    if (behaviour === undefined) return;
    this.#behaviour = behaviour;
    this.#injection = createInjection(behaviour.faults);
    this.#entry.fault = this.#injection.name;
    this.#writer = this.#createWriter();
    const { drip } = this.#injection.shape;
    if (drip !== null) this.#connection.setDrip(drip);
    if (this.#engine.isKeyMissing(this.#entry, this.#request))
      return this.#refuse(createUnauthorized());
    if (this.#isReplaced()) return;
    const answer = this.#attempt(() => {
      this.#engine.checkModel(route, model);
      return route.answer(this.#createCall(body, model));
    });
    if (answer !== undefined) this.#queue(route, answer);
  }

  #createCall(body: JsonObject, model: string): Call {
    return {
      request: this.#request,
      body,
      model,
      behaviour: this.#behaviour,
      usageFault: this.#injection.usage,
      serial: this.#entry.id,
      createdSeconds: Math.floor(this.#entry.startedAtMs / 1000),
      seed: this.#engine.seed,
      contextTokens: this.#engine.contextTokens,
      engine: this.#engine,
    };
  }

  /** Faults that come instead of the answer. */
  #isReplaced(): boolean {
    const { replacement, cut } = this.#injection;
    if (replacement?.kind === 'raw') {
      this.#after(replacement.delay_ms, () => {
        this.#writer.raw(Buffer.from(replacement.text, 'latin1'));
        this.#leave(replacement.ends_with);
      });
      return true;
    }
    if (replacement !== null) {
      const refusal = createReplacement(replacement);
      this.#after(replacement.delay_ms, () => this.#sendRefusal(refusal, 'fault'));
      return true;
    }
    if (cut !== null && cutAfterTokens(cut) === null) {
      if (cut.kind === 'reset' || cut.kind === 'fin') {
        this.#after(cut.delay_ms, () => this.#leave(cut.kind));
      }
      return true;
    }
    if (this.#engine.drawsFailure(this.#behaviour)) {
      this.#entry.fault = 'fail_rate';
      this.#sendRefusal(createFailure(this.#behaviour.failStatus), 'fault');
      return true;
    }
    return false;
  }

  #queue(route: Route, answer: Answer): void {
    this.#answer = answer;
    this.#entry.promptTokens = answer.counts.prompt;
    this.#delivery = new Delivery(
      { answer, behaviour: this.#behaviour, injection: this.#injection },
      this.#writer,
      this.#engine,
      this,
    );
    if (!route.takesSlot) return this.#deliver();
    this.#slotTaker = () => this.#deliver();
    if (this.#engine.takeSlot(this.#entry, this.#slotTaker)) return;
    this.#slotTaker = null;
    this.#refuse(createOverloaded());
  }

  #deliver(): void {
    this.#startedMs = this.#engine.clock.monotonicMs();
    if (this.#answer !== null) this.#engine.started(this.#entry, this.#answer);
    this.#delivery?.start(this.#startedMs);
  }

  headFor(): ReplyHead {
    const heldMs = this.#engine.clock.monotonicMs() - this.#entry.startedMonotonicMs;
    this.#entry.status = 200;
    return {
      status: 200,
      contentType: this.#answer?.contentType ?? null,
      headers: { ...this.#behaviour.headers, 'x-mock-hold-us': String(Math.round(heldMs * 1000)) },
    };
  }

  backlogBytes(): number {
    return this.#connection.backlogBytes;
  }

  sent(tokens: number, nowMs: number): void {
    const total = tokens * (this.#answer?.choices ?? 1);
    this.#entry.tokensSent += total;
    this.#engine.generated(this.#entry.model, total);
    if (this.#lastSentMs > 0) {
      this.#engine.metrics.interToken(this.#entry.model, (nowMs - this.#lastSentMs) / tokens);
    }
    this.#lastSentMs = nowMs;
  }

  ended(end: DeliveryEnd): void {
    if (end.kind === 'cut') return this.#leave(howCutLeaves(end.cut.kind));
    const { skipsTerminal, shape } = this.#injection;
    const isBroken = skipsTerminal || shape.contentLengthDelta !== null;
    const endedBy = isBroken ? 'fault' : 'complete';
    if (shape.after !== 'keep') return this.#leave(shape.after, endedBy);
    this.#leave(this.#writer.keepsAlive ? 'keep' : 'fin', endedBy);
  }

  /** What the connection does after the last byte, for replies that did not end by themselves. */
  #leave(how: 'fin' | 'reset' | 'stall' | 'keep', endedBy: EndedBy = 'fault'): void {
    if (how === 'stall') return; // Until the caller has enough of it.
    this.#end(endedBy);
    if (how === 'reset') this.#connection.reset();
    else if (how === 'fin') this.#connection.end();
    else this.#connection.replyEnded();
  }

  #after(delayMs: number, action: () => void): void {
    if (delayMs === 0) return action();
    this.#delay = new Timer(action);
    this.#engine.wheel.setIn(this.#delay, delayMs);
  }

  /** Runs a step that may refuse the request; undefined when it did. */
  #attempt<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (cause) {
      this.#refuse(cause);
      return undefined;
    }
  }

  #refuse(cause: unknown): void {
    if (this.#entry.endedBy !== null) return;
    this.#entry.isRefused = true;
    if (cause instanceof Refusal) return this.#sendRefusal(cause, 'complete');
    if (cause instanceof BehaviourError) {
      return this.#sendRefusal(createBadRequest(`x-mock: ${cause.message}`, 'x-mock'), 'complete');
    }
    throw cause;
  }

  #sendRefusal(refused: Refusal, endedBy: EndedBy): void {
    const isAnthropic = this.#request.path.startsWith('/v1/messages');
    const refusal = isAnthropic ? toAnthropicRefusal(refused) : refused;
    const { status, contentType, headers } = refusal;
    this.#entry.status = status;
    this.#writer.whole(
      { status, contentType, headers: { ...this.#behaviour.headers, ...headers } },
      refusal.body,
    );
    this.#leave(this.#writer.keepsAlive ? 'keep' : 'fin', endedBy);
  }

  #createWriter(): ReplyWriter {
    const { isHttp10, keepAlive, method } = this.#request;
    return new ReplyWriter((data) => this.#connection.send(data), this.#injection.shape, {
      isHttp10,
      keepAlive,
      isHead: method === 'HEAD',
    });
  }

  #end(endedBy: EndedBy): void {
    if (this.#entry.endedBy !== null) return;
    this.#delivery?.stop();
    if (this.#delay !== null) this.#engine.wheel.cancel(this.#delay);
    const taker = this.#slotTaker;
    this.#slotTaker = null;
    this.#engine.end(this.#entry, endedBy, {
      answer: this.#answer,
      startedMs: this.#startedMs,
      firstTokenMs: this.#lastSentMs > 0 ? (this.#delivery?.firstTokenMs ?? 0) : 0,
      stepsMade: this.#delivery?.stepsMade(this.#engine.clock.monotonicMs()) ?? 0,
      usageSent: this.#delivery?.usageSent ?? 'none',
    });
    if (taker !== null) this.#engine.giveSlot(taker);
  }
}

function howCutLeaves(kind: string): 'fin' | 'reset' | 'stall' | 'keep' {
  if (kind === 'reset' || kind === 'fin' || kind === 'stall') return kind;
  // A stream that ended properly on the wire keeps its connection; a broken chunk ends it.
  return kind === 'bad_chunk' ? 'fin' : 'keep';
}
