/** What a piece of text means. No meaning is told by colour alone: the words say it too. */
export type Tone = 'plain' | 'dim' | 'bold' | 'title' | 'good' | 'warn' | 'bad' | 'selected';

export type Paint = (text: string, tone: Tone) => string;

const COLORS: Readonly<Record<Tone, string>> = {
  plain: '',
  dim: '2',
  bold: '1',
  title: '1;36',
  good: '32',
  warn: '33',
  bad: '31',
  selected: '7',
};

// For NO_COLOR: weight and reversal are no colours, and show where one is.
const SHADES: Readonly<Record<Tone, string>> = {
  ...{ plain: '', dim: '2', bold: '1', title: '1', good: '', warn: '', bad: '1', selected: '7' },
};

/** The 16 colours of every terminal, so that its own theme decides how they look. */
export const paintInColor: Paint = (text, tone) => wrap(text, COLORS[tone]);

export const paintInShades: Paint = (text, tone) => wrap(text, SHADES[tone]);

export const paintNothing: Paint = (text) => text;

function wrap(text: string, code: string): string {
  return code === '' || text === '' ? text : `\x1b[${code}m${text}\x1b[0m`;
}
