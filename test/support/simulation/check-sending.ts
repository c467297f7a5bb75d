import type { VendorRequest } from './fake-vendor.ts';
import type { Known } from './known.ts';
import type { Plant } from './plant.ts';

/** Nobody works twice on what may be worked on once, and nobody gets more than there is room for. */
export function checkSending(
  plant: Plant,
  { asked: before }: Known,
  { id, target }: VendorRequest,
): void {
  const { pool } = plant.scene;
  const others = before.filter(
    ({ wasReached, target: had }) => wasReached && !pool.resend.includes(had.backend),
  );
  const isBeside = pool.hedges && others.length === 1 && others[0]?.isLive === true;
  if (others.length > 0 && !isBeside) {
    plant.fail(`request ${id} was sent to ${target.backend} after another had it`);
  }
  const reached = before.filter(({ state, wasReached }) => wasReached || state !== 'failed');
  const most = pool.attempts * (pool.hedges ? 2 : 1);
  if (reached.length >= most && !pool.hasOtherKeys) {
    plant.fail(`request ${id} was sent to ${target.backend} as number ${reached.length + 1}`);
  }
  const running = [...plant.known.values()].flatMap((known) =>
    known.epoch === plant.epoch ? known.asked.filter((of) => of.isLive) : [],
  );
  const there = running.filter((of) => of.target.backend === target.backend).length;
  const places = pool.places[target.backend] ?? Number.POSITIVE_INFINITY;
  if (there >= places) plant.fail(`${target.backend} has ${places} places and got one more`);
}
