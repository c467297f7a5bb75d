import type { CliIo } from './io.ts';

export type ColorWhen = 'auto' | 'always' | 'never';

/**
 * Whether stdout gets colour: the flag decides, then NO_COLOR, FORCE_COLOR, TERM=dumb, then whether
 * it is a terminal. An empty variable is as good as none (https://no-color.org).
 */
export function shouldColor(when: ColorWhen, io: Pick<CliIo, 'env' | 'stdoutIsTty'>): boolean {
  if (when !== 'auto') return when === 'always';
  const { NO_COLOR: no, FORCE_COLOR: force, TERM: term } = io.env;
  if (no !== undefined && no !== '') return false;
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return io.stdoutIsTty && term !== 'dumb';
}

const CODES = { bold: 1, red: 31, green: 32, yellow: 33 } as const;
export type Ink = keyof typeof CODES;

export function inColor(text: string, ink: Ink): string {
  return `\x1b[${CODES[ink]}m${text}\x1b[0m`;
}
