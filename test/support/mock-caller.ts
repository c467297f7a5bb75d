import { connect } from 'node:net';

/** One TCP connection to the mock, driven by hand. */
export interface MockCaller {
  /** Everything received so far, one character for each byte. */
  readonly text: string;
  /** Resolves when the other side has ended, with how it did. */
  readonly ended: Promise<'fin' | 'reset'>;
  /** Resolves when this has been received. */
  until(text: string | RegExp): Promise<void>;
  write(bytes: string): void;
  /** Stops reading, so that the other side's buffers fill. */
  pause(): void;
  resume(): void;
  /** FIN: nothing more will be asked. */
  finish(): void;
  /** Closes at once. */
  leave(): void;
}

/** Renders a POST with a JSON body, asking for the connection to be kept. */
export function renderPost(path: string, body: object, headers: object = {}): string {
  const text = JSON.stringify(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `POST ${path} HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\n${lines.join('')}` +
    `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  );
}

/** Connects to loopback and sends bytes as they are. */
export function callMock(port: number, bytes: string): MockCaller {
  const { promise: ended, resolve } = Promise.withResolvers<'fin' | 'reset'>();
  const write = (more: string) => socket.write(more, 'latin1');
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => write(bytes));
  const waiting = new Set<() => void>();
  let text = '';
  socket.on('data', (part) => {
    text += part.toString('latin1');
    for (const look of waiting) look();
  });
  socket.on('end', () => {
    resolve('fin');
    socket.end();
  });
  socket.on('error', () => resolve('reset'));
  return {
    get text() {
      return text;
    },
    ended,
    until(wanted) {
      const found = Promise.withResolvers<void>();
      const look = () => {
        if (typeof wanted === 'string' ? !text.includes(wanted) : !wanted.test(text)) return;
        waiting.delete(look);
        found.resolve();
      };
      waiting.add(look);
      look();
      return found.promise;
    },
    write,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    finish: () => socket.end(),
    leave: () => socket.destroy(),
  };
}
