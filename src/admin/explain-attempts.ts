import type { LiveAttempt } from '../observe/live-document.ts';
import { choiceInWords } from '../routing/choice-words.ts';
import type { FoundRequest } from '../store/find-request.ts';
import type { AttemptView } from './explain-schemas.ts';
import type { StoryTrace } from './live-explain.ts';

type Draft = Omit<AttemptView, 'next'>;
type Notes = StoryTrace['notes'];

/** Attempts as they are remembered, or as they go on. */
export function fromMemory(attempts: readonly LiveAttempt[]): Draft[] {
  return attempts.map((each, index) => ({
    attempt: index + 1,
    backend: each.backend,
    model: each.model,
    reason: each.reason,
    why: choiceInWords(each.reason),
    start_ms: each.start_ms,
    first_token_ms: each.first_token_ms,
    end_ms: each.end_ms,
    duration_ms: each.end_ms === null ? null : round(each.end_ms - each.start_ms),
    status: each.status,
    code: each.code,
  }));
}

/** Attempts as the books have them: rows when one failed, else what the request says of its only one. */
export function fromBooks(row: FoundRequest): Draft[] {
  const forgotten = { model: null, reason: null, why: null };
  if (row.attemptRows.length > 0) {
    return row.attemptRows.map((each) => {
      const start_ms = Math.max(0, each.startedAtMs - row.startedAtMs);
      const duration_ms = round(each.durationUs / 1_000);
      const end_ms = round(start_ms + duration_ms);
      const { attempt, backend, code, status } = each;
      const first_token_ms = code === null ? toMs(row.ttftUs) : null;
      return {
        ...{ attempt, backend, ...forgotten, start_ms, first_token_ms },
        ...{ end_ms, duration_ms, status, code },
      };
    });
  }
  if (row.attempts === 0 || row.backend === null) return [];
  const duration_ms = toMs(row.backendUs);
  return [
    {
      ...{ attempt: 1, backend: row.backend, ...forgotten },
      // It ended with the request.
      start_ms: duration_ms === null ? null : round(Math.max(0, row.durationMs - duration_ms)),
      first_token_ms: toMs(row.ttftUs),
      end_ms: row.durationMs,
      duration_ms,
      status: row.outcome === 'served' ? row.status : null,
      code: row.code,
    },
  ];
}

/** The same with what followed each of them. `ending`: what the last one left the caller with. */
export function tellWhatFollowed(
  drafts: readonly Draft[],
  notes: Notes,
  ending: string | null,
): AttemptView[] {
  return drafts.map((draft, index) => {
    const following = drafts[index + 1];
    if (following === undefined) return { ...draft, next: ending };
    const began = following.start_ms ?? Number.POSITIVE_INFINITY;
    const ended = draft.end_ms ?? Number.POSITIVE_INFINITY;
    if (began < ended) {
      return { ...draft, next: `${following.backend} was asked beside it` };
    }
    const said = notes
      .filter(({ at_ms }) => at_ms >= ended - 1 && at_ms <= began)
      .map(({ text }) => text);
    return { ...draft, next: [...said, `${following.backend} was asked next`].join('; ') };
  });
}

function toMs(us: number | null): number | null {
  return us === null ? null : round(us / 1_000);
}

/** Tenths of a millisecond are enough for people. */
export function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
