/**
 * Stands between the text of a row and its hash in a packed stretch. No text holds it: numbers have
 * none, and JSON escapes it.
 */
const HASH_FOLLOWS = '\u001e';
const HASH_CHARS = 64;

/**
 * A query of rows (`seq, text, hash`) as one of a single row: how many there are, and all of them
 * as one text `text RS hash LF text RS hash …`. What is hashed for a row, the hash before it and
 * its text, then lies there in one piece, and half a million rows a second need no string of
 * their own.
 */
export function toPackedSql(rowsSql: string): string {
  return `SELECT count(*), group_concat(text || char(30) || hash, char(10)) FROM (${rowsSql})`;
}

export interface PackedStretch {
  /** Rows after this one, without a gap. */
  readonly afterSeq: number;
  readonly previousHash: string;
  readonly packed: string;
  /** What belongs at the end of the texts of some rows. */
  readonly endings: ReadonlyMap<number, string>;
}

/**
 * Whether every row has the hash of its content and the one before it. Returns the last hash, or
 * null when something is wrong, which reading row by row will then name.
 */
export function checkPacked(stretch: PackedStretch): string | null {
  const { afterSeq, previousHash, packed, endings } = stretch;
  const text = `${previousHash}\n${packed}`;
  const hasEndings = endings.size > 0;
  let seq = afterSeq;
  let startAt = 0;
  for (
    let endAt = text.indexOf(HASH_FOLLOWS);
    endAt !== -1;
    endAt = text.indexOf(HASH_FOLLOWS, startAt)
  ) {
    seq += 1;
    const own = text.slice(startAt, endAt);
    const ending = hasEndings ? endings.get(seq) : undefined;
    startAt = endAt + 1;
    const hash = Bun.SHA256.hash(ending === undefined ? own : own + ending, 'hex');
    if (!text.startsWith(hash, startAt)) return null;
  }
  return text.length === startAt + HASH_CHARS ? text.slice(-HASH_CHARS) : null;
}

/** How many of the texts do not end with an empty line before their last one. */
export function countContentLines(packed: string): number {
  let count = 0;
  for (
    let at = packed.indexOf(HASH_FOLLOWS);
    at !== -1;
    at = packed.indexOf(HASH_FOLLOWS, at + 1)
  ) {
    // The line of the attempts is added later, so a text ends `reference LF`.
    if (packed.charCodeAt(at - 2) !== 0x0a) count += 1;
  }
  return count;
}
