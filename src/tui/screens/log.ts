import { renderTimeOfDay } from '../figures.ts';
import type { Tone } from '../paint.ts';
import type { KeptLine } from '../state.ts';
import { createTableScreen } from '../table-screen.ts';

function toneOf({ line }: KeptLine): Tone {
  if (line.level === 'error') return 'bad';
  return line.level === 'warn' ? 'warn' : 'dim';
}

export const logScreen = createTableScreen<KeptLine>('log', {
  empty: () => 'nothing was logged yet',
  columns: [
    { title: 'TIME', width: 8, text: ({ line }) => renderTimeOfDay(line.at) },
    { title: 'LEVEL', width: 6, text: ({ line }) => line.level, tone: toneOf },
    { title: 'EVENT', width: 18, text: ({ line }) => line.event },
    { title: 'TEXT', width: 'fill', text: ({ line }) => line.text },
  ],
  rows: ({ log }) => log,
  id: ({ number }) => String(number),
  search: ({ line }) => `${line.level} ${line.event} ${line.text}`,
  detail: ({ line }) => [
    ['time', line.at],
    ['level', line.level],
    ['event', line.event],
    ['text', line.text],
  ],
});
