const BLOCK_BYTES = 2_048;
/** So many blocks are of one size; after them every fourth is followed by ones twice as long. */
const EVEN_BLOCKS = 224;
const MOST_BLOCKS = 256;

/** Where each block ends. The same for every prompt, or a longer one would not match a shorter. */
const BLOCK_ENDS = blockEnds();

const LOW_32 = 0xffff_ffffn;

/** A prompt as its hashes see it. */
export interface PromptBytes {
  /** What makes the cache of an engine another one: model, tools, system prompt. */
  readonly seed: string;
  /** The history as raw JSON, the oldest message first. */
  readonly bytes: Uint8Array;
}

/**
 * Chain of hashes over blocks of about 2 KB, each covering everything before it, so that two
 * prompts have as many leading hashes in common as blocks. A last block that is not full is left
 * out: the next turn of the conversation goes on in it. At most 256, enough for 4.4 MB; what comes
 * after that is not looked at.
 */
export function hashPrefix({ seed, bytes }: PromptBytes): Uint32Array {
  const count = blocksOf(bytes.length);
  const hashes = new Uint32Array(count);
  if (count === 0) return hashes;
  let hash = Bun.hash.xxHash3(seed);
  let start = 0;
  for (let block = 0; block < count; block += 1) {
    const end = BLOCK_ENDS[block] ?? bytes.length;
    hash = Bun.hash.xxHash3(bytes.subarray(start, end), hash);
    hashes[block] = Number(hash & LOW_32);
    start = end;
  }
  return hashes;
}

function blocksOf(sizeBytes: number): number {
  const even = Math.floor(sizeBytes / BLOCK_BYTES);
  if (even <= EVEN_BLOCKS) return even;
  let count = EVEN_BLOCKS;
  while (count < MOST_BLOCKS && (BLOCK_ENDS[count] ?? 0) <= sizeBytes) count += 1;
  return count;
}

function blockEnds(): readonly number[] {
  const ends: number[] = [];
  let end = 0;
  for (let block = 0; block < MOST_BLOCKS; block += 1) {
    const doublings = block < EVEN_BLOCKS ? 0 : Math.floor((block - EVEN_BLOCKS) / 4) + 1;
    end += BLOCK_BYTES * 2 ** doublings;
    ends.push(end);
  }
  return ends;
}
