/**
 * What a stretch of text is replaced by, in square brackets. Where two finds overlap, both are
 * covered and the one named first here gives the word.
 */
export const REDACTION_LABELS = [
  'PRIVATE_KEY',
  'CREDENTIALS',
  'SECRET',
  'EMAIL',
  'IBAN',
  'CARD',
  'SSN',
  'IP',
  'PHONE',
] as const;
export type RedactionLabel = (typeof REDACTION_LABELS)[number];

/** A find: UTF-16 positions, `end` exclusive. */
export interface RedactionSpan {
  readonly start: number;
  readonly end: number;
  readonly label: RedactionLabel;
}

/**
 * Looks for one family of things and adds what it finds to what others found before. Must take time linear in the text,
 * whatever the text is: callers choose it.
 */
export type FindSpans = (text: string, found: RedactionSpan[]) => void;

/** The text with every find covered. `quote` makes each label a JSON string of its own. */
export function coverSpans(text: string, found: readonly RedactionSpan[], quote: boolean): string {
  if (found.length === 0) return text;
  const sorted = found.toSorted((a, b) => a.start - b.start);
  let covered = '';
  let at = 0;
  for (let index = 0; index < sorted.length; ) {
    const first = sorted[index];
    if (first === undefined) break;
    let { end, label } = first;
    index += 1;
    for (let next = sorted[index]; next !== undefined && next.start < end; ) {
      end = Math.max(end, next.end);
      if (rankOf(next.label) < rankOf(label)) label = next.label;
      index += 1;
      next = sorted[index];
    }
    const word = quote ? `"[${label}]"` : `[${label}]`;
    covered += text.slice(at, first.start) + word;
    at = end;
  }
  return covered + text.slice(at);
}

function rankOf(label: RedactionLabel): number {
  return REDACTION_LABELS.indexOf(label);
}
