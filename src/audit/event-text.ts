// The one definition of what the hash of an administrative event covers: eight lines, texts as JSON
// strings so that no value holds a line break, a missing `before` or `after` an empty line.

/** One event as it lies in the database. */
export interface HashedEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly origin: string;
  readonly action: string;
  readonly target: string;
  /** JSON texts as stored. */
  readonly before: string | null;
  readonly after: string | null;
}

/** The text that `nextHash` takes: 8 lines. */
export function toEventText(event: HashedEvent): string {
  return `${event.seq}
${event.atMs}
${JSON.stringify(event.actor)}
${JSON.stringify(event.origin)}
${JSON.stringify(event.action)}
${JSON.stringify(event.target)}
${event.before ?? ''}
${event.after ?? ''}`;
}

/**
 * The same text out of the database: columns `seq, text, hash` of events after the first parameter
 * up to the second, in order.
 */
export const EVENT_TEXT_SQL = `
SELECT seq,
  concat_ws(char(10), seq, at_ms, json_quote(actor), json_quote(origin), json_quote(action),
    json_quote(target), coalesce("before", ''), coalesce("after", '')) AS text,
  lower(hex(hash)) AS hash
FROM admin_events
WHERE seq > ? AND seq <= ?
ORDER BY seq`;
