import type { RandomBytes } from '../../core/clock.ts';

const ID_BYTES = 8;
/** Ids drawn at once: asking for eight bytes costs as much as asking for thousands. */
const DRAWN_AT_ONCE = 512;

/** Makes span ids: 16 hexadecimal digits. */
export function createSpanIds(random: RandomBytes): () => string {
  let bytes = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at >= bytes.length) {
      bytes = Buffer.from(random(ID_BYTES * DRAWN_AT_ONCE));
      at = 0;
    }
    at += ID_BYTES;
    return bytes.toString('hex', at - ID_BYTES, at);
  };
}
