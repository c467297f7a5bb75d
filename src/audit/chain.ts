/** What the first row of a chain has before it. */
export const FIRST_PREVIOUS_HASH = '0'.repeat(64);

/**
 * The hash of a row: SHA-256 of the UTF-8 text `previous hash in lower-case hexadecimal, \n, text
 * of the row`, again in hexadecimal. The same as
 * `createHash('sha256').update(`${previous}\n${text}`, 'utf8').digest('hex')`, at half its cost.
 */
export function nextHash(previousHash: string, text: string): string {
  return Bun.SHA256.hash(`${previousHash}\n${text}`, 'hex');
}
