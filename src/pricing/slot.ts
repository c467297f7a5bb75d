import { assert } from '../core/assert.ts';
import { WINDOWS, type Window } from '../core/key.ts';
import type { BudgetMeasure } from './budget-rule.ts';

/** A row of sums has one for each window in nano-dollars, then one for each in tokens. */
export const WINDOW_COUNT = WINDOWS.length;
export const SLOT_COUNT = 2 * WINDOW_COUNT;

export interface Slot {
  readonly measure: BudgetMeasure;
  readonly window: Window;
}

const SLOTS: readonly Slot[] = (['usd', 'tokens'] as const).flatMap((measure) =>
  WINDOWS.map((window) => ({ measure, window })),
);

export function slotOf(measure: BudgetMeasure, window: Window): number {
  return WINDOWS.indexOf(window) + (measure === 'usd' ? 0 : WINDOW_COUNT);
}

/** What stands in a slot. */
export function getSlot(index: number): Slot {
  const slot = SLOTS[index];
  assert(slot !== undefined, `there is no slot ${index}`);
  return slot;
}
