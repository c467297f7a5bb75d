import type { AuditEntryView, AuditRow } from '../admin/audit-schemas.ts';
import type { ChainWord } from './audit-chain.ts';
import type { Report } from './output.ts';
import { NOTHING, renderFields, type Table } from './table.ts';

interface AuditList {
  readonly rows: readonly AuditRow[];
  readonly next: number | null;
}

export function toAuditListReport(chain: ChainWord, list: AuditList): Report {
  return {
    document: list,
    rows: list.rows,
    human: chain === 'admin' ? toEventTable(list.rows) : toRequestTable(list.rows),
    emptyHint: 'No row matches.',
  };
}

function toEventTable(rows: readonly AuditRow[]): Table {
  return {
    columns: [
      { title: 'SEQ', align: 'right' },
      { title: 'TIME', whole: true },
      { title: 'ACTOR' },
      { title: 'FROM' },
      { title: 'ACTION', whole: true },
      { title: 'TARGET', optional: true },
      { title: 'CHANGE', optional: true },
    ],
    rows: rows.map((row) => [
      String(row.seq),
      toSeconds(row.time),
      say(row['actor']),
      say(row['origin']),
      say(row['action']),
      say(row['target']),
      sayChange(row['before'], row['after']),
    ]),
  };
}

function toRequestTable(rows: readonly AuditRow[]): Table {
  return {
    columns: [
      { title: 'SEQ', align: 'right' },
      { title: 'TIME', whole: true },
      { title: 'KEY' },
      { title: 'MODEL' },
      { title: 'OUTCOME' },
      { title: 'INPUT', align: 'right' },
      { title: 'OUTPUT', align: 'right' },
      { title: 'COST USD', align: 'right' },
      { title: 'REQUEST', whole: true },
    ],
    rows: rows.map((row) => [
      String(row.seq),
      toSeconds(row.time),
      say(row['key']),
      say(row['model']),
      say(row['code'] ?? row['outcome']),
      say(row['input_tokens']),
      say(row['output_tokens']),
      say(row['cost_usd']),
      say(row['id']),
    ]),
  };
}

/** What stands first is what people look for; the rest follows as it is exported. */
const FIRST = ['chain', 'seq', 'id', 'time'];
const LAST = ['before', 'after', 'attempt_list', 'hash'];

export function toAuditEntryReport(entry: AuditEntryView): Report {
  const { row, previous_hash: previous, intact } = entry;
  const others = Object.keys(row).filter((name) => ![...FIRST, ...LAST, 'schema'].includes(name));
  const names = [...FIRST, ...others, ...LAST].filter((name) => name in row);
  const verdict =
    intact === null ? 'not known: the row before is gone' : intact ? 'fits' : 'DOES NOT FIT';
  return {
    document: entry,
    rows: [{ ...row, previous_hash: previous, intact }],
    human: renderFields([
      ...names
        .filter((name) => row[name] !== null && say(row[name]) !== '[]')
        .map((name): [string, string] => [name.replaceAll('_', ' '), say(row[name])]),
      ['previous hash', previous ?? NOTHING],
      ['hash of content', verdict],
    ]),
  };
}

/** What an event changed, in few words; all of it is in `audit show`. */
function sayChange(before: unknown, after: unknown): string {
  const value = after ?? before;
  if (!isRecord(value)) return say(value);
  const old = isRecord(before) ? before : {};
  return Object.entries(value)
    .flatMap(([name, now]) => {
      const said = sayBriefly(now);
      if (said === '') return [];
      return [name in old ? `${name}: ${say(old[name])} → ${said}` : `${name}: ${said}`];
    })
    .join(', ');
}

/** Of a value inside a value; more are counted. */
const NAMED_MAX = 4;

function sayBriefly(value: unknown): string {
  if (value === null || value === false) return '';
  if (Array.isArray(value)) return value.length === 0 ? '' : `${value.length}`;
  if (!isRecord(value)) return say(value);
  const inner = Object.entries(value);
  if (inner.length > NAMED_MAX) return `${inner.length}`;
  return inner.map(([name, each]) => `${name} ${say(each)}`).join(', ');
}

function say(value: unknown): string {
  if (value === null || value === undefined || value === '') return NOTHING;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `2026-11-20T13:34:05.123Z` without its milliseconds. */
function toSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}
