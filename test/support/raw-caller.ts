import { createConnection, type Socket } from 'node:net';

/** A reply as it came over the wire, framing taken off. */
export interface RawReply {
  readonly status: number;
  /** Names in lower case; values of a repeated header are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * A caller that says exactly what a test tells it to, byte by byte, and reads what comes back
 * strictly: what is no reply of HTTP/1.1 throws.
 */
export class RawCaller implements Disposable {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #isOver = false;
  #moved = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    const over = () => {
      this.#isOver = true;
      this.#wake();
    };
    socket.on('end', over);
    socket.on('error', over);
    socket.on('close', over);
  }

  /** Connects to the host and port of `url`. */
  static connect(url: string): Promise<RawCaller> {
    const { hostname, port } = new URL(url);
    const { promise, resolve, reject } = Promise.withResolvers<RawCaller>();
    const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(new RawCaller(socket)));
    return promise;
  }

  /** Resolves when the bytes have left, or when the other side no longer takes them. */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (this.#isOver) return;
    const taken = this.#socket.write(
      typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes,
    );
    if (taken) return;
    const drained = new Promise<void>((resolve) => this.#socket.once('drain', resolve));
    const over = async () => {
      while (!this.#isOver) await this.#moved.promise;
    };
    await Promise.race([drained, over()]);
  }

  /**
   * The next whole reply, interim ones (1xx) included; `closed` when the connection ends first. The
   * reply to HEAD has no body, whatever its head says.
   */
  async reply({ toHead = false } = {}): Promise<RawReply | 'closed'> {
    for (;;) {
      const found = takeReply(this.#received, { toHead, isOver: this.#isOver });
      if (found !== undefined) {
        this.#received = this.#received.subarray(found.end);
        return found.reply;
      }
      if (this.#isOver) {
        if (this.#received.length === 0) return 'closed';
        throw new Error(`cut off: ${this.#received.toString('latin1').slice(0, 500)}`);
      }
      await this.#moved.promise;
    }
  }

  /** Resolves once `text` has been received and not yet taken as part of a reply. */
  async until(text: string): Promise<void> {
    while (!this.#received.includes(text)) {
      if (this.#isOver) throw new Error(`closed before ${JSON.stringify(text)} came`);
      await this.#moved.promise;
    }
  }

  /** Resolves when the other side has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#isOver) await this.#moved.promise;
  }

  /** Whether the connection takes another request. Asks for one that needs no key. */
  async isReusable(): Promise<boolean> {
    await this.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    const reply = await this.reply();
    return reply !== 'closed' && reply.status === 200 && reply.body === 'ok\n';
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #wake(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers<void>();
  }
}

interface Taken {
  readonly reply: RawReply;
  readonly end: number;
}

interface Reading {
  readonly toHead: boolean;
  readonly isOver: boolean;
}

/** The reply at the start of `bytes`, or undefined while it is not whole. */
function takeReply(bytes: Buffer, { toHead, isOver }: Reading): Taken | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [startLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = /^HTTP\/1\.1 ([1-5][0-9]{2}) [ -~]*$/.exec(startLine)?.[1];
  if (status === undefined) throw new Error(`no status line: ${JSON.stringify(startLine)}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const found = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*)$/.exec(line);
    if (found === null) throw new Error(`no header line: ${JSON.stringify(line)}`);
    const [, name = '', value = ''] = found;
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
  }
  const start = headEnd + 4;
  const isBare = toHead || Number(status) < 200 || status === '204' || status === '304';
  const body = isBare ? { text: '', end: start } : takeBody(bytes, start, { headers, isOver });
  if (body === undefined) return undefined;
  return { reply: { status: Number(status), headers, body: body.text }, end: body.end };
}

interface Framing {
  readonly headers: ReadonlyMap<string, string>;
  readonly isOver: boolean;
}

function takeBody(
  bytes: Buffer,
  start: number,
  { headers, isOver }: Framing,
): { readonly text: string; readonly end: number } | undefined {
  const declared = headers.get('content-length');
  if (declared !== undefined) {
    const end = start + Number(declared);
    return bytes.length < end ? undefined : { text: bytes.toString('utf8', start, end), end };
  }
  if (headers.get('transfer-encoding') !== 'chunked') {
    return isOver ? { text: bytes.toString('utf8', start), end: bytes.length } : undefined;
  }
  let text = '';
  for (let at = start; ; ) {
    const sizeEnd = bytes.indexOf('\r\n', at);
    if (sizeEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, sizeEnd), 16);
    const end = sizeEnd + 2 + size + 2;
    if (Number.isNaN(size)) throw new Error('no chunk size');
    if (bytes.length < end) return undefined;
    text += bytes.toString('utf8', sizeEnd + 2, end - 2);
    if (size === 0) return { text, end };
    at = end;
  }
}
