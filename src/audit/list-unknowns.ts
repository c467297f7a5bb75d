/** What a verification had to go by. */
export interface VerifiedFacts {
  /** Rows of finished requests and events after the newest checkpoint that agrees. */
  readonly uncoveredRows: number;
  /** Checkpoints that were given from elsewhere and agree. */
  readonly givenCheckpoints: number;
  /** Checkpoints in the same file that agree. */
  readonly storedCheckpoints: number;
  readonly isKeyPinned: boolean;
  readonly purgedRows: number;
  /** Rows that name captured content. */
  readonly contentRows: number;
  /** Checkpoints whose row has been purged, so that they prove nothing any more. */
  readonly uncheckable: number;
  /** Rows before the checkpoint that the verification began at; 0 when it read all. */
  readonly skippedRows: number;
}

/** What no verification of this file with these checkpoints can know, each as one sentence. */
export function listUnknowns(facts: VerifiedFacts): string[] {
  const unknowns: string[] = [];
  if (facts.givenCheckpoints === 0) {
    unknowns.push(
      facts.storedCheckpoints === 0
        ? 'There is no checkpoint: rows cut off at the end, or everything written anew by somebody who can write the file, would not show.'
        : 'No checkpoint kept elsewhere was given: somebody who can write the file can cut rows off at the end, or write them anew, and remove the checkpoints after that from the same file. Give one with --checkpoint.',
    );
  }
  if (facts.givenCheckpoints + facts.storedCheckpoints > 0 && facts.uncoveredRows > 0) {
    unknowns.push(
      `The last ${rows(facts.uncoveredRows)} are younger than the newest checkpoint: of these, rows cut off at the end would not show.`,
    );
  }
  if (facts.givenCheckpoints + facts.storedCheckpoints > 0 && !facts.isKeyPinned) {
    unknowns.push(
      'Signatures were not held against a public key kept elsewhere: a checkpoint forged with another key would not show. Give the key with --public-key.',
    );
  }
  if (facts.uncheckable > 0) {
    unknowns.push(
      `${facts.uncheckable === 1 ? 'One checkpoint is' : `${facts.uncheckable} checkpoints are`} of rows that have been purged since, and could not be compared.`,
    );
  }
  if (facts.skippedRows > 0) {
    unknowns.push(`The ${rows(facts.skippedRows)} up to the checkpoint were not read.`);
  }
  if (facts.purgedRows > 0) {
    unknowns.push(
      `${sentence(rows(facts.purgedRows))} had been purged: what they said is gone, only that the chain went through them is known.`,
    );
  }
  if (facts.contentRows > 0) {
    unknowns.push(
      `${sentence(rows(facts.contentRows))} name captured prompts and answers: the chain covers the hash of these, not whether they are still kept or were erased.`,
    );
  }
  return unknowns;
}

function rows(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
