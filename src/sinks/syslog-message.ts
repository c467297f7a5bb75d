import type { AuditRecord, ExportedChain } from './record.ts';

// RFC 5424, section 6.

/** `log audit` (13), informational (6). */
const PRIORITY = 13 * 8 + 6;

export interface SyslogSource {
  /** This machine's name, as it calls itself. */
  readonly hostname: string;
  readonly processId: number;
  readonly installId: string;
}

/** One record as one message, in ASCII only. */
export function renderSyslog(
  chain: ExportedChain,
  { seq, atMs, hash, line }: AuditRecord,
  { hostname, processId, installId }: SyslogSource,
): string {
  const time = new Date(atMs).toISOString();
  const header = `<${PRIORITY}>1 ${time} ${toHostname(hostname)} llmgate ${processId} ${chain}`;
  const fields = { install: installId, chain, seq: String(seq), hash };
  const data = Object.entries(fields)
    .map(([name, value]) => ` ${name}="${escapeValue(value)}"`)
    .join('');
  return `${header} [llmgate@32473${data}] ${toAsciiJson(line)}`;
}

/** Section 6.3.3: what would end a value is escaped, everything else is left alone. */
export function escapeValue(value: string): string {
  return value.replaceAll(/["\\\]]/g, '\\$&');
}

/** Section 6.2.4: printable ASCII, at most 255; `-` when nothing is left. */
function toHostname(name: string): string {
  const printable = name.replaceAll(/[^\x21-\x7e]/g, '').slice(0, 255);
  return printable === '' ? '-' : printable;
}

/**
 * The same JSON value without a byte above 127. A message in UTF-8 would have to begin with a byte
 * order mark (section 6.4), which many readers then find in front of the JSON.
 */
function toAsciiJson(json: string): string {
  return json.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
