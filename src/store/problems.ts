/** The first problems in full; the rest only counted, so that a broken ledger cannot fill memory. */
const MAX_LISTED = 100;

export interface Problems {
  add(sentence: string): void;
  list(): readonly string[];
}

export function createProblems(): Problems {
  const listed: string[] = [];
  let more = 0;
  return {
    add(sentence) {
      if (listed.length < MAX_LISTED) listed.push(sentence);
      else more += 1;
    },
    list: () => (more === 0 ? listed : [...listed, `And ${more} more problems.`]),
  };
}
