import { type CheckpointStatement, parseCheckpointText } from './checkpoint-text.ts';
import { checkSignature, parseVerifierKey, splitNote, type VerifierKey } from './signed-note.ts';

/** Whose word a signature is: a key given by whoever verifies, the gateway's own, or the note's. */
export type KeyTrust = 'pinned' | 'own' | 'note';

export type JudgedNote =
  | { readonly statement: CheckpointStatement; readonly trust: KeyTrust }
  | { readonly problem: string };

/** Keys follow one another: a note is good that one of them signed. Empty where none is known. */
export interface NoteKeys {
  readonly pinned: readonly VerifierKey[];
  readonly own: readonly VerifierKey[];
}

/**
 * What a note says, if it is a checkpoint of these books and its signature fits. Without a key to
 * hold it against, the one that it names itself is taken: that finds damage, not forgery.
 */
export function judgeNote(note: string, origin: string, keys: NoteKeys): JudgedNote {
  const split = splitNote(note);
  const statement = split === undefined ? undefined : parseCheckpointText(split.text);
  if (split === undefined || statement === undefined) return { problem: 'is no checkpoint' };
  if (statement.origin !== origin) {
    return { problem: `is of other books: ${statement.origin}, not ${origin}` };
  }
  const known = keys.pinned.length > 0 ? keys.pinned : keys.own;
  const trust = keys.pinned.length > 0 ? 'pinned' : known.length > 0 ? 'own' : 'note';
  try {
    const candidates = known.length > 0 ? known : [parseVerifierKey(statement.key)];
    const verdicts = candidates.map((key) => checkSignature(split, key));
    const verdict = verdicts.find((each) => each !== 'unsigned');
    if (verdict === 'valid') return { statement, trust };
    if (verdict === 'forged') return { problem: 'was changed: its signature does not fit' };
    return { problem: 'is not signed by the key that it was held against' };
  } catch {
    return { problem: 'names a key that is none' };
  }
}
