import type { CallerRequest } from '../../src/callers/http1/caller-request.ts';
import { CallerConnection, type ConnectionSettings } from '../../src/callers/http1/connection.ts';
import { DateLine } from '../../src/callers/http1/reply-head.ts';
import { RequestProblem } from '../../src/callers/http1/request-head.ts';
import { FakeCallerSocket } from './fake-caller-socket.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

/** A connection with a socket that is none. */
export interface CallerConnectionLab {
  readonly connection: CallerConnection;
  readonly socket: FakeCallerSocket;
  readonly clock: FakeClock;
  readonly faults: unknown[];
  closed: number;
  isStopping: boolean;
  receive(bytes: string): void;
  /** Whatever the handler does with promises is done. */
  settled(): Promise<void>;
  /** In the words of the cases. */
  summary(): string;
}

export const BODY_MAX = 1_000_000;

export function openCallerConnectionLab(
  handle: (request: CallerRequest) => void = echo,
): CallerConnectionLab {
  const socket = new FakeCallerSocket();
  const clock = createFakeClock(0);
  const faults: unknown[] = [];
  const settings: ConnectionSettings = {
    clock,
    dates: new DateLine(),
    quietMs: 120_000,
    headMs: 30_000,
    isStopping: () => lab.isStopping,
    handle,
    renderProblem: ({ message }) => ({ fields: {}, body: message }),
    onFault: (error) => void faults.push(error),
    onClosed: () => {
      lab.closed += 1;
    },
  };
  const lab: CallerConnectionLab = {
    connection: new CallerConnection(socket, settings),
    socket,
    clock,
    faults,
    closed: 0,
    isStopping: false,
    receive: (bytes) => lab.connection.received(Buffer.from(bytes, 'latin1')),
    settled: () => new Promise((resolve) => setImmediate(resolve)),
    summary() {
      const words = [...socket.written.matchAll(REPLY)].map(([, status, said = '']) =>
        status === '200' ? `200(${said})` : status,
      );
      const isOver = socket.isShut || socket.isClosed;
      const isWaiting = !lab.connection.isIdle;
      return [...words, isOver ? 'closed' : isWaiting ? 'waiting' : 'open'].join(' ');
    },
  };
  return lab;
}

const REPLY =
  /HTTP\/1\.1 ([0-9]{3}) [^\r]*\r\n(?:[a-z-]+: [^\r]*\r\n)*\r\n([\s\S]*?)(?=HTTP\/1\.1|$)/g;

/** Answers with what was asked. */
export async function echo(request: CallerRequest): Promise<void> {
  try {
    const read = request.readBody(BODY_MAX);
    const body = Buffer.from(read instanceof Promise ? await read : read).toString('latin1');
    const tried = request.headers.get('x-a');
    const words = [
      request.method,
      request.path,
      ...(request.query === '' ? [] : [`?${request.query}`]),
      ...(tried === null ? [] : [`x-a=${tried}`]),
      ...(body === '' ? [] : [body]),
    ];
    request.reply(200, {}, Buffer.from(words.join(' '), 'latin1'));
  } catch (cause) {
    if (cause instanceof RequestProblem) request.reply(cause.status, {}, cause.message);
    else request.reply(500, {}, String(cause));
  }
}
