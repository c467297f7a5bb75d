import type { Paint } from '../paint.ts';

/** Keys and commands, as the help screen and docs/top.md have them. */
export const KEY_HELP: readonly (readonly [keys: string, meaning: string])[] = [
  ['1-9, Tab', 'go to a screen; Shift-Tab goes back'],
  ['j k, arrows', 'move; g G to the first and last row, PgUp PgDn by pages'],
  ['Enter', 'what is known of the row; Esc goes back'],
  ['/', 'show only rows with this text; Esc shows all again'],
  ['s, < >', 'sort by the next column or the one before; S: as it came'],
  ['r', 'the other way round'],
  ['p, space', 'stop and go on'],
  ['+ -', 'ask less or more often'],
  ['x', 'drain the backend, cancel the request, suspend the key'],
  ['u', 'resume the backend or the key'],
  [':', 'a command: a screen, drain, cancel, suspend, interval, …'],
  ['q, Ctrl-C', 'quit'],
];

export function renderHelp(height: number, offset: number, paint: Paint): string[] {
  const lines = [
    `  ${paint('KEYS', 'title')}`,
    '',
    ...KEY_HELP.map(([keys, meaning]) => `  ${paint(keys.padEnd(13), 'bold')} ${meaning}`),
  ];
  const shown = lines.slice(Math.min(offset, Math.max(0, lines.length - height)));
  while (shown.length < height) shown.push('');
  return shown.slice(0, height);
}
