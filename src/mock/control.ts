import { BehaviourError, parseBehaviour } from './behaviour.ts';
import type { Connection, Responder } from './connection.ts';
import type { Engine } from './engine.ts';
import type { HttpRequest } from './http-request.ts';
import { createInjection } from './injection.ts';
import { ReplyWriter } from './reply-writer.ts';

export const CONTROL_PREFIX = '/mock/';
const INVOICE_PAGE_LINES = 10_000;

/** What the control pages need beyond the engine: the listening socket. */
export interface Listening {
  /** Refuses connections, and takes them again after `forMs`. */
  refuse(forMs: number): void;
  /** Resets the next `count` connections as soon as they are accepted. */
  resetNext(count: number): void;
}

/** `/mock/*`: how a tester outside the process scripts the mock and asks what it saw. */
export class ControlExchange implements Responder {
  readonly #request: HttpRequest;
  readonly #connection: Connection;
  readonly #engine: Engine;
  readonly #listening: Listening;

  constructor(
    request: HttpRequest,
    connection: Connection,
    to: { engine: Engine; listening: Listening },
  ) {
    this.#request = request;
    this.#connection = connection;
    this.#engine = to.engine;
    this.#listening = to.listening;
  }

  start(): void {
    try {
      this.#reply(200, this.#run());
    } catch (cause) {
      const isTheirs = cause instanceof BehaviourError || cause instanceof SyntaxError;
      if (!isTheirs && !(cause instanceof RangeError)) throw cause;
      this.#reply(400, { error: cause.message });
    }
  }

  callerLeft(): void {}
  stopped(): void {}
  drained(): void {}

  /** undefined when there is no such page. */
  #run(): object | undefined {
    const query = new URLSearchParams(this.#request.query);
    switch (`${this.#request.method} ${this.#request.path}`) {
      case 'GET /mock/stats':
        return this.#engine.stats();
      case 'GET /mock/requests':
        return { requests: this.#listRequests(query) };
      case 'GET /mock/invoice':
        return this.#readInvoice(query);
      case 'POST /mock/script':
        this.#engine.script.add(this.#readJson());
        return { left: this.#engine.script.left };
      case 'POST /mock/behaviour':
        this.#engine.behaviour = parseBehaviour(this.#engine.behaviour, this.#readJson());
        return {};
      case 'POST /mock/reset':
        this.#engine.reset();
        return {};
      case 'POST /mock/refuse':
        this.#refuse(query);
        return {};
      default:
        return undefined;
    }
  }

  #listRequests(query: URLSearchParams): object[] {
    const after = readCount(query, 'after', 0);
    const wantsProbes = query.get('probes') === '1';
    const requestId = query.get('x_request_id');
    return this.#engine.log
      .entries()
      .filter((entry) => entry.id > after && (wantsProbes || !entry.isProbe))
      .map((entry) => entry.toJson())
      .filter((seen) => requestId === null || seen.x_request_id === requestId);
  }

  #readInvoice(query: URLSearchParams): object {
    const { invoice } = this.#engine;
    const lines = invoice.lines(
      readCount(query, 'offset', 0),
      readCount(query, 'limit', INVOICE_PAGE_LINES),
    );
    return { lines, dropped: invoice.dropped };
  }

  #refuse(query: URLSearchParams): void {
    const connections = readCount(query, 'connections', 0);
    if (connections > 0) this.#listening.resetNext(connections);
    else this.#listening.refuse(readCount(query, 'for_ms', 1000));
  }

  #readJson(): unknown {
    return JSON.parse(this.#request.body.toString('utf8'));
  }

  #reply(status: number, body: object | undefined): void {
    const { isHttp10, keepAlive } = this.#request;
    const writer = new ReplyWriter(
      (data) => this.#connection.send(data),
      createInjection([]).shape,
      { isHttp10, keepAlive, isHead: false },
    );
    const head = { contentType: 'application/json', headers: {} };
    if (body === undefined) writer.whole({ ...head, status: 404 }, '{"error":"no such page"}\n');
    else writer.whole({ ...head, status }, `${JSON.stringify(body)}\n`);
    if (writer.keepsAlive) this.#connection.replyEnded();
    else this.#connection.end();
  }
}

/** Throws `RangeError`. */
function readCount(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new RangeError(`${name} must be a whole number`);
}
