/**
 * Up to this size the runtime keeps the bytes of an array inside its own heap. A view forces them
 * out into an ArrayBuffer of their own, which costs three times what a copy does and leaves more to
 * collect; for larger ones, which are outside from the start, it is the other way round.
 */
const COPIED_BYTES_MAX = 1_000;

/** The bytes from `from` up to `to`, as a view or a copy: whichever is cheaper. */
export function partOf(bytes: Buffer, from: number, to: number): Uint8Array {
  const size = to - from;
  if (size > COPIED_BYTES_MAX) return bytes.subarray(from, to);
  const part = Buffer.allocUnsafeSlow(size);
  bytes.copy(part, 0, from, to);
  return part;
}
