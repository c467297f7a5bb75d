/**
 * Where both chains ended at one moment. What was purged or erased until then is in it too: there
 * is a receipt for it in the chain of events.
 */
export interface CheckpointStatement {
  /** `llmgate/<install id>`: which books these are. */
  readonly origin: string;
  readonly atMs: number;
  readonly requests: ChainEnd;
  readonly adminEvents: ChainEnd;
  /** The text of the key that signs, so that a note can be read by itself. Proves nothing alone. */
  readonly key: string;
}

export interface ChainEnd {
  /** 0 and 64 zeros for an empty chain. */
  readonly seq: number;
  readonly hash: string;
}

export function originOf(installId: string): string {
  return `llmgate/${installId}`;
}

/** The text of the note, before it is signed. */
export function toCheckpointText(statement: CheckpointStatement): string {
  const { origin, atMs, requests, adminEvents, key } = statement;
  const lines = [
    origin,
    `time ${new Date(atMs).toISOString()}`,
    `requests ${requests.seq} ${requests.hash}`,
    `admin_events ${adminEvents.seq} ${adminEvents.hash}`,
    `key ${key}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** What a note says, unverified; undefined when it is no checkpoint of llmgate. */
export function parseCheckpointText(text: string): CheckpointStatement | undefined {
  const [, origin, time, requests, adminEvents, key] =
    /^(llmgate\/\S+)\ntime (\S+)\nrequests (.+)\nadmin_events (.+)\nkey (\S+)\n$/.exec(text) ?? [];
  if (origin === undefined || key === undefined) return undefined;
  const atMs = Date.parse(time ?? '');
  const requestsEnd = parseEnd(requests);
  const adminEnd = parseEnd(adminEvents);
  if (requestsEnd === undefined || adminEnd === undefined) return undefined;
  if (!Number.isSafeInteger(atMs)) return undefined;
  return { origin, atMs, requests: requestsEnd, adminEvents: adminEnd, key };
}

function parseEnd(text: string | undefined): ChainEnd | undefined {
  const [, seq, hash] = /^(\d{1,15}) ([\da-f]{64})$/.exec(text ?? '') ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}
