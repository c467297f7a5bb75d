/** Shorter values are words, which any line may hold. */
const SECRET_LENGTH_MIN = 8;

/** Keys as callers of most vendors have them, and bearer tokens, whoever's they are. */
const LOOKALIKES = [
  String.raw`\bsk-[A-Za-z0-9_-]{8,}`,
  String.raw`\b[Bb]earer(?:\s|\\[tn])+[^\s"\\,;]{4,}`,
];

/**
 * What strikes secrets out of a line: those given, and everything that looks like a key or a bearer
 * token. Lines are JSON, so secrets are looked for as JSON writes them.
 */
export function createSecretFilter(secrets: Iterable<string>): (line: string) => string {
  const known = [...new Set(secrets)]
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .map((secret) => JSON.stringify(secret).slice(1, -1))
    // No part of one is left when a longer one holds a shorter one.
    .toSorted((a, b) => b.length - a.length);
  const every = new RegExp(
    [...known.map((each) => RegExp.escape(each)), ...LOOKALIKES].join('|'),
    'g',
  );
  return (line) => {
    // Several times as fast as looking with the expression, and nearly always all there is to do.
    const isClean = !line.includes('sk-') && !line.includes('earer');
    if (isClean && !known.some((secret) => line.includes(secret))) return line;
    return line.replace(every, '[secret]');
  };
}

// JSON leaves C1 controls, line separators and marks that reorder text as they are; a terminal
// would obey them, and some readers would begin a new line.
const UNRULY = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const EVERY_UNRULY = new RegExp(UNRULY, 'g');

/** A line of JSON in which nothing is left that is not plainly visible. */
export function neutralJson(line: string): string {
  if (!UNRULY.test(line)) return line;
  return line.replace(EVERY_UNRULY, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
