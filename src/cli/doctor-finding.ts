export const LEVELS = ['ok', 'warn', 'fail'] as const;
export type Level = (typeof LEVELS)[number];

/** The parts of an installation that are looked at, in the order in which they are told. */
export const AREAS = [
  'configuration',
  'data directory',
  'store',
  'gateway',
  'admin plane',
  'backends',
  'gpu',
  'clock',
  'descriptors',
  'memory',
  'versions',
] as const;
export type Area = (typeof AREAS)[number];

/** One thing that was looked at. Quotes no secret; names from elsewhere are made visible later. */
export interface Finding {
  readonly level: Level;
  /** One line. */
  readonly says: string;
  /** What to do about it; null where there is nothing to do. */
  readonly mend: string | null;
}

export function isOk(says: string): Finding {
  return { level: 'ok', says, mend: null };
}

export function isWarned(says: string, mend: string): Finding {
  return { level: 'warn', says, mend };
}

export function isFailed(says: string, mend: string): Finding {
  return { level: 'fail', says, mend };
}
