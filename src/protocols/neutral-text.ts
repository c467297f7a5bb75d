// C0, DEL and C1 controls, and the marks that reorder or hide text on a screen.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;

/** Foreign text made fit for a message: no control characters, at most `maxLength` characters. */
export function neutralText(text: string, maxLength: number): string {
  // Twice the bound is enough to cut from, and keeps a megabyte out of the regular expression.
  const plain = text
    .slice(0, maxLength * 2)
    .replace(UNSAFE, ' ')
    .trim();
  return plain.length <= maxLength ? plain : `${plain.slice(0, maxLength - 1)}…`;
}
