import type { HoldView } from '../admin/hold-schemas.ts';
import type { Report } from './output.ts';
import { renderFields } from './table.ts';

/** One hold, after something was done with it. */
export function toHoldReport(hold: HoldView): Report {
  return {
    document: hold,
    rows: [hold],
    human: renderFields([
      ['hold', String(hold.id)],
      ['covers', describeCover(hold)],
      ['reason', hold.reason],
      ['placed', hold.placed_at],
      ...(hold.released_at === null ? [] : [['released', hold.released_at] as const]),
    ]),
  };
}

export function describeCover({ scope, subject }: HoldView): string {
  return scope === 'all' ? 'everything' : `${scope} ${subject}`;
}
