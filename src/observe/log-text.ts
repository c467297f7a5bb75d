/** `10:15:30.123 info  request request_id=… status=200` for a person at a terminal. */
export function renderLogText(line: string): string {
  const { time, level, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${renderValue(value)}`)
    .join(' ');
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(event)} ${rest}\n`;
}

function renderValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = JSON.stringify(value);
  // Reading the line has turned escapes into what they stand for; a terminal would obey them.
  const neutral = text.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return /^"[\w.:/@+-]+"$/.test(neutral) ? neutral.slice(1, -1) : neutral;
}
