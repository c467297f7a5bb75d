import { type Capacity, type Footprint, fitsBeside } from './room.ts';

/** A running process that may be stopped for another one. */
export interface Victim {
  readonly footprint: Footprint;
  /** What stopping it costs; see `evictionCost`. */
  readonly cost: number;
}

/** Up to this many all sets are looked at: 1,023 of them. */
const EXACT_MAX = 10;

/**
 * What it costs to stop a process: the work of loading it again, per time that it has not been
 * needed. A process unused for an hour is, as a rule, not needed for about an hour more.
 */
export function evictionCost(
  reload: { readonly loadMs: number; readonly memoryBytes: number | null },
  idleMs: number,
): number {
  const gigabytes = Math.max(1, (reload.memoryBytes ?? WHOLE_GPU_BYTES) / 2 ** 30);
  return ((reload.loadMs + 1) * gigabytes) / (Math.max(0, idleMs) + 1_000);
}

/** Only weighs processes against each other, so a usual size will do. */
const WHOLE_GPU_BYTES = 80 * 2 ** 30;

/** The cheapest of those whose end makes room for `wanted`; null when the end of all does not. */
export function chooseVictims(
  wanted: Footprint,
  victims: readonly Victim[],
  others: readonly Footprint[],
  capacity: Capacity,
): readonly Victim[] | null {
  const hasRoom = (gone: ReadonlySet<Victim>) => {
    const staying = victims.filter((victim) => !gone.has(victim));
    return fitsBeside(wanted, [...others, ...staying.map((victim) => victim.footprint)], capacity);
  };
  if (!hasRoom(new Set(victims))) return null;
  // Sorted by name as well, so that the same state always has the same answer.
  const ordered = victims.toSorted(
    (a, b) => a.cost - b.cost || (a.footprint.id < b.footprint.id ? -1 : 1),
  );
  return ordered.length <= EXACT_MAX ? cheapestSet(ordered, hasRoom) : cheapFirst(ordered, hasRoom);
}

type HasRoom = (gone: ReadonlySet<Victim>) => boolean;

function cheapestSet(victims: readonly Victim[], hasRoom: HasRoom): readonly Victim[] {
  let best: readonly Victim[] = victims;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let mask = 1; mask < 1 << victims.length; mask += 1) {
    const set = victims.filter((_, index) => (mask & (1 << index)) !== 0);
    const cost = set.reduce((sum, victim) => sum + victim.cost, 0);
    if (cost >= bestCost || !hasRoom(new Set(set))) continue;
    best = set;
    bestCost = cost;
  }
  return best;
}

/** Takes the cheap ones until there is room, then lets go the dear ones that were not needed. */
function cheapFirst(victims: readonly Victim[], hasRoom: HasRoom): readonly Victim[] {
  const gone = new Set<Victim>();
  for (const victim of victims) {
    gone.add(victim);
    if (hasRoom(gone)) break;
  }
  for (const victim of [...gone].reverse()) {
    gone.delete(victim);
    if (!hasRoom(gone)) gone.add(victim);
  }
  return [...gone];
}
