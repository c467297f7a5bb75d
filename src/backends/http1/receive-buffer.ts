import { dlopen, ptr } from 'bun:ffi';
import type { Socket } from 'bun';

// Bun has no option for this. Both numbers are Linux's (asm-generic/socket.h); elsewhere, and where the C
// library cannot be opened, the system's own bounds stay.
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

/** The kernel doubles it for its own bookkeeping. */
const RECEIVE_BYTES = Int32Array.of(65_536);

/**
 * Bounds what the system keeps of an answer that is not read yet. Left alone it grows to megabytes, which
 * a caller who stops reading then costs; and what it has is read in pieces of up to 512 KB, the rest of
 * which is held in our memory when the caller stops in the middle. Tokens need no such room: this much
 * on its way at a time is some megabytes a second over a network, and hundreds on one machine.
 *
 * It cannot be undone for a socket. Returns whether it was done.
 */
export function boundReceiveBuffer(socket: Socket<unknown>): boolean {
  if (!('fd' in socket) || typeof socket.fd !== 'number' || socket.fd < 0) return false;
  setOption ??= findSetOption();
  return setOption(socket.fd);
}

type SetOption = (fd: number) => boolean;

let setOption: SetOption | undefined;

function findSetOption(): SetOption {
  if (process.platform !== 'linux') return () => false;
  try {
    // musl answers to this name as well.
    const { symbols } = dlopen('libc.so.6', {
      setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
    });
    const value = ptr(RECEIVE_BYTES);
    const { byteLength } = RECEIVE_BYTES;
    return (fd) => symbols.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, byteLength) === 0;
  } catch {
    return () => false;
  }
}
