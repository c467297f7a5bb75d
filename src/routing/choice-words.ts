import type { ChoiceReason } from './scheduling.ts';

const WORDS: Readonly<Record<ChoiceReason, string>> = {
  only: 'the only one that could take it',
  round_robin: 'it was its turn',
  weight: 'it was its turn, by weight',
  least_busy: 'the least busy',
  latency: 'of two drawn at random, the one expected to answer first',
  cost: 'the cheapest',
  prefix: 'its cache should hold the beginning of the prompt',
  session: 'it answers this session',
  overflow: 'the one whose cache would help was full',
};

/** Why a backend was chosen, for people. A word of another version is said as it is. */
export function choiceInWords(reason: string): string {
  const known: Readonly<Record<string, string>> = WORDS;
  return Object.hasOwn(known, reason) ? (known[reason] ?? reason) : reason;
}
