import { BadValue } from './bad-value.ts';
import { findNearest } from './did-you-mean.ts';

/**
 * The name of an IANA time zone as the zone itself writes it. Fixed offsets have no name and are
 * refused: a budget's day could then begin between two quarters of an hour. Throws BadValue.
 */
export function parseTimezone(text: string): string {
  try {
    if (/^[A-Za-z]/.test(text)) {
      return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new BadValue('no such time zone; write an IANA name like Europe/Berlin, or UTC');
}

/** The zone that was most likely meant: by its whole name, or by its city alone. */
export function findNearestTimezone(wrong: string): string | undefined {
  const known = Intl.supportedValuesOf('timeZone');
  const nearest = findNearest(wrong, known);
  if (nearest !== undefined) return nearest;
  const cities = new Map(known.map((name) => [name.slice(name.lastIndexOf('/') + 1), name]));
  const city = findNearest(wrong.slice(wrong.lastIndexOf('/') + 1), cities.keys());
  return city === undefined ? undefined : cities.get(city);
}
