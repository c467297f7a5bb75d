import type { Clock } from '../core/clock.ts';
import type { LiveLogLine } from '../observe/live-document.ts';
import { RecentRing, type Sequence } from './recent-ring.ts';

const KEPT_LINES = 512;
/** Of one line that is remembered; what a stack adds to it is for the file. */
const LINE_MAX_CHARS = 2_000;

interface KeptLine {
  readonly atMs: number;
  readonly line: string;
}

/** The last lines of the log. They are taken as they are written and read only when asked for. */
export class LiveLog {
  readonly #clock: Clock;
  readonly #lines: RecentRing<KeptLine>;

  constructor(clock: Clock, sequence: Sequence) {
    this.#clock = clock;
    this.#lines = new RecentRing(sequence, KEPT_LINES);
  }

  write(line: string): void {
    this.#lines.push({ atMs: this.#clock.nowMs(), line });
  }

  /** The oldest first. */
  since(since: number, most: number): { lines: LiveLogLine[]; leftOut: number } {
    const { items, leftOut } = this.#lines.since(since, most);
    return { lines: items.toReversed().map(readLine), leftOut };
  }
}

function readLine({ atMs, line }: KeptLine): LiveLogLine {
  const at = new Date(atMs).toISOString();
  if (!line.startsWith('{')) return { at, ...readText(line) };
  try {
    const { level, event, time: _, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const text = Object.entries(fields)
      .filter(([, value]) => value !== null)
      .map(
        ([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
      )
      .join(' ');
    return { at, level: String(level), event: String(event), text: text.slice(0, LINE_MAX_CHARS) };
  } catch {
    return { at, ...readText(line) };
  }
}

/** `10:15:30.123 info  event name=value`. */
function readText(line: string): Omit<LiveLogLine, 'at'> {
  const [, level = '', event = '', text = ''] = /^\S+ (\S+) +(\S+) ?(.*)/s.exec(line) ?? [];
  return { level, event, text: (event === '' ? line : text).trimEnd().slice(0, LINE_MAX_CHARS) };
}
