import { BadValue } from './bad-value.ts';
import type { Finding } from './finding.ts';
import { textAt } from './raw.ts';
import { didYouMean } from './schema-findings.ts';
import { findNearestTimezone, parseTimezone } from './timezone.ts';

export function checkTimezone(file: unknown): Finding[] {
  const written = textAt(file, 'timezone');
  if (written === undefined || written === '') return [];
  try {
    parseTimezone(written);
    return [];
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    const nearest = findNearestTimezone(written);
    const hint = nearest === undefined ? {} : { hint: didYouMean(nearest) };
    return [{ path: ['timezone'], message: error.message, ...hint }];
  }
}
