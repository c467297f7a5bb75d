import { dlopen, FFIType, ptr } from 'bun:ffi';
import { connect, type Socket } from 'node:net';

export interface FullListener extends AsyncDisposable {
  readonly url: string;
  /** Takes a connection off the queue, so that the next handshake succeeds. */
  makeRoom(): void;
}

/**
 * A port where handshakes hang: the queue of the listener is full, so the system drops every SYN.
 * Runtimes do not let a program ask for a queue that short, the C library does.
 */
export async function startFullListener(): Promise<FullListener> {
  const libc = dlopen(process.platform === 'darwin' ? 'libSystem.dylib' : 'libc.so.6', {
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    listen: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    getsockname: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
    bind: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
    accept: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  }).symbols;
  const address = new DataView(new ArrayBuffer(16));
  address.setUint16(0, 2, true); // AF_INET
  address.setUint32(4, 0x7f000001); // 127.0.0.1
  const descriptor = libc.socket(2, 1, 0);
  libc.bind(descriptor, ptr(address.buffer), 16);
  libc.listen(descriptor, 0);
  libc.getsockname(descriptor, ptr(address.buffer), ptr(new Uint32Array([16])));
  const port = address.getUint16(2);

  const accepted: number[] = [];
  const filler = await fill(port);
  return {
    url: `http://127.0.0.1:${port}`,
    makeRoom: () => void accepted.push(libc.accept(descriptor, null, null)),
    async [Symbol.asyncDispose]() {
      filler.destroy();
      for (const each of [...accepted, descriptor]) libc.close(each);
    },
  };
}

/** A queue of length zero still holds one connection. */
function fill(port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(port, '127.0.0.1', () => resolve(socket));
  socket.on('error', reject);
  return promise;
}
