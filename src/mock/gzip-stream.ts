import { constants, crc32, deflateRawSync } from 'node:zlib';

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

/**
 * Gzip that can be read up to the last piece written (RFC 1952): every piece ends on a sync flush,
 * so pieces that were compressed apart join into one deflate stream.
 */
export class GzipStream {
  #crc = 0;
  #size = 0;
  #isStarted = false;

  piece(bytes: Uint8Array): Buffer {
    this.#crc = crc32(bytes, this.#crc);
    this.#size = (this.#size + bytes.length) >>> 0;
    const packed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
    if (this.#isStarted) return packed;
    this.#isStarted = true;
    return Buffer.concat([HEADER, packed]);
  }

  end(): Buffer {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#size, 4);
    const start = this.#isStarted ? [] : [HEADER];
    return Buffer.concat([...start, LAST_BLOCK, trailer]);
  }
}
