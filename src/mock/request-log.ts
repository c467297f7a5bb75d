import type { HttpRequest } from './http-request.ts';

/** Bodies up to this size are kept whole, longer ones only as size and digest. */
const KEPT_BODY_BYTES = 4096;

const SECRET_HEADERS = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'proxy-authorization',
  'cookie',
]);

/**
 * How the mock's side of a request ended: `complete` is a whole, well-formed answer; `fault` one
 * that was replaced or cut on purpose.
 */
export type EndedBy = 'complete' | 'caller_left' | 'fault' | 'mock_stopped';

/** One request that the mock saw, as `GET /mock/requests` shows it. */
export interface SeenRequest {
  readonly id: number;
  /** Which connection it came on, counted from 1, and its place there, counted from 1. */
  readonly connection: number;
  readonly request_on_connection: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Names in lower case. Values of headers that carry a secret read `[redacted]`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The request carried a key; with `--api-key`, the right one. */
  readonly authorized: boolean;
  readonly x_request_id: string | null;
  readonly body_bytes: number;
  readonly body_sha256: string;
  /** null when it is too long to keep. */
  readonly body: string | null;
  readonly model: string | null;
  readonly stream: boolean;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly ended_by: EndedBy | null;
  readonly fault: string | null;
  readonly status: number | null;
  /** From the whole request read to the end, on the monotonic clock. */
  readonly duration_ms: number | null;
  readonly prompt_tokens: number;
  /** Tokens given to the socket, over all choices. */
  readonly tokens_sent: number;
}

/** A request while it runs. Turned into a `SeenRequest` only when somebody looks. */
export class LogEntry {
  readonly id: number;
  readonly connection: number;
  readonly requestOnConnection: number;
  readonly isProbe: boolean;
  readonly startedAtMs: number;
  readonly startedMonotonicMs: number;
  authorized = false;
  model = '';
  stream = false;
  fault: string | null = null;
  status: number | null = null;
  promptTokens = 0;
  tokensSent = 0;
  isQueued = false;
  /** The mock itself said no: to the key, the model, the body, the length of the queue. */
  isRefused = false;
  endedBy: EndedBy | null = null;
  /** Same clock as `startedMonotonicMs`: for a tester in the same process, when it was noticed. */
  endedMonotonicMs = 0;
  readonly #request: Omit<HttpRequest, 'body'>;
  readonly #bodyBytes: number;
  readonly #body: Buffer | null;
  #bodySha256: string | null = null;

  constructor(
    request: HttpRequest,
    from: { id: number; connection: number; requestOnConnection: number; isProbe: boolean },
    at: { wallMs: number; monotonicMs: number },
  ) {
    this.id = from.id;
    this.connection = from.connection;
    this.requestOnConnection = from.requestOnConnection;
    this.isProbe = from.isProbe;
    this.startedAtMs = at.wallMs;
    this.startedMonotonicMs = at.monotonicMs;
    const { body, ...head } = request;
    this.#request = head;
    this.#bodyBytes = body.length;
    const isKept = body.length <= KEPT_BODY_BYTES;
    this.#body = isKept ? body : null;
    if (!isKept) this.#bodySha256 = sha256(body);
  }

  get path(): string {
    return this.#request.path;
  }

  get requestId(): string | null {
    return this.#request.headers.get('x-request-id') ?? null;
  }

  toJson(): SeenRequest {
    const { method, path, query, headers } = this.#request;
    const durationMs =
      this.endedBy === null ? null : this.endedMonotonicMs - this.startedMonotonicMs;
    this.#bodySha256 ??= sha256(this.#body ?? Buffer.alloc(0));
    return {
      id: this.id,
      connection: this.connection,
      request_on_connection: this.requestOnConnection,
      method,
      path,
      query,
      headers: Object.fromEntries(
        [...headers].map(([name, value]) => [
          name,
          SECRET_HEADERS.has(name) ? '[redacted]' : value,
        ]),
      ),
      authorized: this.authorized,
      x_request_id: this.requestId,
      body_bytes: this.#bodyBytes,
      body_sha256: this.#bodySha256,
      body: this.#body?.toString('utf8') ?? null,
      model: this.model === '' ? null : this.model,
      stream: this.stream,
      started_at: new Date(this.startedAtMs).toISOString(),
      ended_at: durationMs === null ? null : new Date(this.startedAtMs + durationMs).toISOString(),
      ended_by: this.endedBy,
      fault: this.fault,
      status: this.status,
      duration_ms: durationMs,
      prompt_tokens: this.promptTokens,
      tokens_sent: this.tokensSent,
    };
  }
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex');
}

/** The last requests, oldest first. Bounded: the oldest entry makes room. */
export class RequestLog {
  readonly #limit: number;
  #entries: LogEntry[] = [];
  #oldest = 0;
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(entry: LogEntry): void {
    if (this.#entries.length < this.#limit) {
      this.#entries.push(entry);
      return;
    }
    this.#dropped++;
    if (this.#limit === 0) return;
    this.#entries[this.#oldest] = entry;
    this.#oldest = (this.#oldest + 1) % this.#limit;
  }

  entries(): readonly LogEntry[] {
    return [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)];
  }

  clear(): void {
    this.#entries = [];
    this.#oldest = 0;
    this.#dropped = 0;
  }
}
