import type { PreparedRestore } from '../store/restore.ts';
import type { Report } from './output.ts';
import { renderFields } from './table.ts';

/** Names on one line; all of them are in the document. */
const SHOWN_MAX = 10;

/** What `restore --json` prints. */
export interface RestoreView {
  readonly file: string;
  readonly data_dir: string;
  readonly dry_run: boolean;
  readonly restored: boolean;
  /** Of the backup; null for a copy that "llmgate backup" did not make. */
  readonly made_at: string | null;
  readonly made_by: string | null;
  readonly schema: number;
  readonly requests_seq: number;
  readonly admin_events_seq: number;
  readonly keys: number;
  readonly content: PreparedRestore['content'];
  readonly lost: LostView;
  readonly keys_that_work_again: readonly string[];
  readonly erasures_to_repeat: readonly string[];
  readonly holds_to_repeat: readonly string[];
  readonly notes: readonly string[];
  /** The files that the restored ones took the place of. */
  readonly aside: readonly string[];
}

interface LostView {
  /** Null when the present books cannot be read. */
  readonly requests: number | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly admin_events: number | null;
  readonly keys: number | null;
}

export interface RestoreFacts {
  readonly file: string;
  readonly dataDir: string;
  readonly prepared: PreparedRestore;
  /** What signed the checkpoints of the backup may be there. */
  readonly hasKey: boolean;
  readonly aside: readonly string[];
  readonly isDryRun: boolean;
}

export function toRestoreView(facts: RestoreFacts): RestoreView {
  const { prepared, aside, isDryRun } = facts;
  const { copy, loss, content } = prepared;
  const { manifest, heads } = copy;
  const isKnown = loss.kind === 'known';
  return {
    file: facts.file,
    data_dir: facts.dataDir,
    dry_run: isDryRun,
    restored: false,
    made_at: manifest === null ? null : new Date(manifest.madeAtMs).toISOString(),
    made_by: manifest?.llmgate ?? null,
    schema: copy.schema,
    requests_seq: heads.requests.seq,
    admin_events_seq: heads.admin_events.seq,
    keys: copy.keys,
    content,
    lost: toLostView(loss),
    keys_that_work_again: isKnown ? loss.keysThatWorkAgain : [],
    erasures_to_repeat: isKnown && content === 'replaced' ? loss.erasures : [],
    holds_to_repeat: isKnown ? loss.holds : [],
    notes: listNotes(facts),
    aside,
  };
}

function toLostView(loss: PreparedRestore['loss']): LostView {
  const nothing = { since: null, until: null };
  if (loss.kind === 'none') return { ...nothing, requests: 0, admin_events: 0, keys: 0 };
  if (loss.kind === 'unknown') {
    return { ...nothing, requests: null, admin_events: null, keys: null };
  }
  const { requests, fromMs, toMs, adminEvents, keys } = loss;
  const toTime = (timeMs: number | null) =>
    timeMs === null ? null : new Date(timeMs).toISOString();
  return { requests, since: toTime(fromMs), until: toTime(toMs), admin_events: adminEvents, keys };
}

function listNotes({ prepared, hasKey }: RestoreFacts): string[] {
  const { copy, loss } = prepared;
  const notes: string[] = [];
  if (copy.manifest === null) {
    notes.push('It has no manifest: "llmgate backup" did not make it, so its age is not known.');
  }
  if (loss.kind === 'unknown') {
    notes.push(
      `What would be lost is not known: the present books cannot be read (${loss.reason}).`,
    );
  }
  if (loss.kind === 'known' && !loss.isSameHistory) {
    notes.push('It is no earlier state of the present books: their chains differ.');
  }
  if (!hasKey) {
    notes.push(
      'audit-signing-key.pem is not in a backup: put it back before the gateway starts, or old checkpoints will not verify.',
    );
  }
  return notes;
}

export function toRestoreReport(view: RestoreView): Report {
  const outcome: [string, string] = view.restored
    ? ['restored', view.data_dir]
    : ['restored', 'nothing, as was asked for'];
  const aside = view.aside.map((path): [string, string] => ['put aside', path]);
  return {
    document: view,
    rows: [{ ...view }],
    human: describeRestore(view) + renderFields([outcome, ...aside]),
  };
}

/** What is going to happen, for whoever has to say yes. */
export function describeRestore(view: RestoreView): string {
  const { lost, keys_that_work_again: again, erasures_to_repeat: erased } = view;
  const { holds_to_repeat: held } = view;
  const made = view.made_at === null ? 'time unknown' : `made ${view.made_at}`;
  const fields: [string, string][] = [
    ['backup', `${view.file}, ${made}`],
    [
      'holds',
      `${count(view.keys, 'key')}, ${count(view.requests_seq, 'request')}, ${count(view.admin_events_seq, 'event')}; all verified`,
    ],
    ['content', CONTENT_WORDS[view.content]],
    ['lost', describeLost(lost)],
  ];
  if (again.length > 0)
    fields.push(['work again', `keys ${listNames(again)}: revoke or rotate them`]);
  if (erased.length > 0) fields.push(['erase again', `content of ${listNames(erased)}`]);
  if (held.length > 0) fields.push(['hold again', listNames(held)]);
  return renderFields([...fields, ...view.notes.map((note): [string, string] => ['note', note])]);
}

const CONTENT_WORDS: Record<RestoreView['content'], string> = {
  replaced: 'that of the backup takes the place of the present one',
  removed: 'there was none; the present one is put aside',
  kept: 'the present one stays',
  none: 'none',
};

function describeLost({ requests, since, until, admin_events: events, keys }: LostView): string {
  if (requests === null) return 'not known';
  const span = since === null ? '' : ` (${since} to ${until})`;
  const lost = [count(requests, 'request') + span, count(events, 'event'), count(keys, 'key')];
  return `${lost.slice(0, 2).join(', ')} and ${lost[2]} that came after it`;
}

function count(number: number | null, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_MAX).join(', ');
  return names.length <= SHOWN_MAX ? shown : `${shown} and ${names.length - SHOWN_MAX} more`;
}
