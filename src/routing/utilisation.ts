import type { ReplicaStanding } from './scheduling.ts';

/**
 * Taken part of the places of some backends together, 0 to 1. Null when one of them has no bound:
 * how much it could take is not known then. One that was never asked, undefined, has nothing taken.
 */
export function utilisationOf(standings: readonly (ReplicaStanding | undefined)[]): number | null {
  let taken = 0;
  let places = 0;
  for (const standing of standings) {
    if (standing === undefined) continue;
    if (standing.places === null) return null;
    taken += standing.inFlight;
    places += standing.places;
  }
  return places === 0 ? 0 : Math.min(1, taken / places);
}
