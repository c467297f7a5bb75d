import type { ChainName } from '../store/audit-trail.ts';

/** What people call the chains. */
export const CHAIN_WORDS = ['admin', 'requests'] as const;
export type ChainWord = (typeof CHAIN_WORDS)[number];

export function toChainName(word: ChainWord): ChainName {
  return word === 'admin' ? 'admin_events' : 'requests';
}
