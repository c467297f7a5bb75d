/** What a process takes while it runs. */
export interface Footprint {
  readonly id: string;
  readonly gpus: readonly number[];
  /** Of each of its GPUs, or of the machine when it has none; null: all of it. */
  readonly memoryBytes: number | null;
  readonly group: string | null;
}

/** How much there is. What is not known holds one process at a time. */
export interface Capacity {
  readonly gpuBytes: ReadonlyMap<number, number>;
  /** Memory of the machine, for processes without a GPU; null when it is not known. */
  readonly machineBytes: number | null;
}

/** Stands for the machine beside the indices of GPUs. */
const MACHINE = -1;

/**
 * May `wanted` run beside these? A process that alone claims more than there is counts as one that
 * takes all: the figures of makers and drivers differ by a little, and refusing to start helps nobody.
 */
export function fitsBeside(
  wanted: Footprint,
  others: readonly Footprint[],
  capacity: Capacity,
): boolean {
  if (others.some((other) => isSameGroup(wanted, other))) return false;
  return placesOf(wanted).every((place) => {
    const beside = others.filter((other) => placesOf(other).includes(place));
    if (beside.length === 0) return true;
    const roomBytes = roomAt(place, capacity);
    if (roomBytes === null) return false;
    const takenBytes = [wanted, ...beside].map(({ memoryBytes }) => memoryBytes ?? roomBytes);
    return takenBytes.reduce((sum, bytes) => sum + bytes, 0) <= roomBytes;
  });
}

/** Can the one be in the way of the other at all? */
export function isRival(one: Footprint, other: Footprint): boolean {
  return isSameGroup(one, other) || sharesPlace(one, other);
}

export function sharesGpu(one: Footprint, other: Footprint): boolean {
  return one.gpus.some((gpu) => other.gpus.includes(gpu));
}

function sharesPlace(one: Footprint, other: Footprint): boolean {
  return sharesGpu(one, other) || (one.gpus.length === 0 && other.gpus.length === 0);
}

function isSameGroup(one: Footprint, other: Footprint): boolean {
  return one.group !== null && one.group === other.group;
}

function placesOf({ gpus }: Footprint): readonly number[] {
  return gpus.length === 0 ? [MACHINE] : gpus;
}

function roomAt(place: number, { gpuBytes, machineBytes }: Capacity): number | null {
  return place === MACHINE ? machineBytes : (gpuBytes.get(place) ?? null);
}
