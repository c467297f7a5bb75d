import type { Socket } from 'bun';
import { renderRequest } from '../overhead/load.ts';
import type { CallerJob, CallerReport } from './caller-job.ts';

// A process of its own, so that ten thousand sockets of callers do not share the descriptors, the memory
// and the event loop of what measures.

const TERMINAL = 'data: [DONE]';
const LAST_CHUNK = '0\r\n\r\n';

class Stream {
  static all: Stream[] = [];
  static example = '';
  readonly begun = Promise.withResolvers<void>();
  readonly ended = Promise.withResolvers<void>();
  socket: Socket<Stream> | undefined;
  hasBegun = false;
  isComplete = false;
  isOver = false;
  receivedBytes = 0;
  readonly #request: Uint8Array;
  readonly #stalls: boolean;
  #tail = '';

  constructor(request: Uint8Array, stalls: boolean) {
    this.#request = request;
    this.#stalls = stalls;
    Stream.all.push(this);
  }

  async open(port: number): Promise<void> {
    try {
      this.socket = await Bun.connect<Stream>({
        hostname: '127.0.0.1',
        port,
        data: this,
        socket: {
          open: (socket) => void socket.write(this.#request),
          data: (_, bytes) => this.#received(bytes),
          close: () => this.#end(),
          error: () => this.#end(),
        },
      });
    } catch (error) {
      Stream.example ||= String(error);
      this.#end();
    }
    await this.begun.promise;
  }

  #received(bytes: Buffer): void {
    const isFirst = this.receivedBytes === 0;
    this.receivedBytes += bytes.length;
    const text = this.#tail + bytes.toString('latin1', Math.max(0, bytes.length - 64));
    this.#tail = text.slice(-64);
    if (isFirst && !bytes.toString('latin1', 0, 12).startsWith('HTTP/1.1 200')) {
      Stream.example ||= bytes.toString('latin1', 0, 400);
      this.socket?.terminate();
      this.#end();
      return;
    }
    if (!this.hasBegun) {
      if (!bytes.includes('data: ')) return;
      this.hasBegun = true;
      this.begun.resolve();
      if (this.#stalls) this.socket?.pause();
    }
    if (this.#tail.includes(TERMINAL) && this.#tail.endsWith(LAST_CHUNK)) {
      this.isComplete = true;
      this.socket?.end();
      this.#end();
    }
  }

  #end(): void {
    if (!this.isOver && !this.isComplete) Stream.example ||= `ended with: ${this.#tail}`;
    this.isOver = true;
    this.begun.resolve();
    this.ended.resolve();
  }
}

async function openAll(job: Extract<CallerJob, { kind: 'open' }>): Promise<void> {
  Stream.all = [];
  Stream.example = '';
  const way = { name: '', port: job.port, key: job.key, model: 'bench', pids: [] };
  const request = renderRequest(way, { stream: true, mock: job.mock, maxTokens: job.maxTokens });
  const startedMs = performance.now();
  const opening: Promise<void>[] = [];
  for (let opened = 0; opened < job.count; opened += 1) {
    const aheadMs = startedMs + (opened * 1_000) / job.perSecond - performance.now();
    if (aheadMs > 1) await Bun.sleep(aheadMs);
    opening.push(new Stream(request, job.stalls).open(job.port));
  }
  await Promise.all(opening);
}

async function resume(count: number): Promise<void> {
  const again = Stream.all.slice(0, count);
  for (const { socket } of Stream.all.slice(count)) socket?.terminate();
  for (const { socket } of again) socket?.resume();
  await Promise.all(again.map(({ ended }) => ended.promise));
}

function report(): CallerReport {
  const { all, example } = Stream;
  return {
    begun: all.filter(({ hasBegun }) => hasBegun).length,
    complete: all.filter(({ isComplete }) => isComplete).length,
    broken: all.filter(({ isOver, isComplete }) => isOver && !isComplete).length,
    receivedBytes: all.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
    example,
  };
}

process.on('message', async (job: CallerJob) => {
  if (job.kind === 'open') await openAll(job);
  else if (job.kind === 'await_end')
    await Promise.all(Stream.all.map(({ ended }) => ended.promise));
  else await resume(job.count);
  process.send?.(report());
});
