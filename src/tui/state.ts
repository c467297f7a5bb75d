import type { FinishedRequest, LiveDocument, LiveLogLine } from '../observe/live-document.ts';
import type { History } from './history.ts';
import type { TopAction } from './top-action.ts';

/** In the order of their keys, 1 to 9. */
export const SCREENS = [
  'overview',
  'models',
  'backends',
  'keys',
  'users',
  'teams',
  'gpus',
  'requests',
  'log',
] as const;
export type ScreenName = (typeof SCREENS)[number];

/** How one table is looked at. */
export interface TableState {
  /** Column that it is sorted by; null keeps the order of the gateway. */
  readonly sort: string | null;
  readonly isReversed: boolean;
  readonly filter: string;
  /** Row that the cursor stays on wherever it goes; null keeps the cursor at its place. */
  readonly pinned: string | null;
  readonly cursor: number;
  /** First row that is shown. */
  readonly offset: number;
}

export type Mode =
  | { readonly kind: 'browse' }
  | { readonly kind: 'help'; readonly offset: number }
  | { readonly kind: 'detail'; readonly row: string; readonly offset: number }
  /** A line that is being typed, after `/` or `:`. */
  | { readonly kind: 'filter' | 'command'; readonly text: string }
  | { readonly kind: 'confirm'; readonly action: TopAction; readonly before: Mode };

export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'up' }
  | { readonly kind: 'lost'; readonly problem: string; readonly sinceMs: number };

export interface Explained {
  readonly row: string;
  readonly lines: readonly string[];
}

export interface Notice {
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'plain';
}

/** Lines have no id of their own, so each gets the number at which it came. */
export interface KeptLine {
  readonly number: number;
  readonly line: LiveLogLine;
}

/** All that a frame is drawn from. Changed by `reduceTop` only. */
export interface TopState {
  readonly columns: number;
  readonly rows: number;
  readonly screen: ScreenName;
  readonly mode: Mode;
  readonly tables: Readonly<Record<ScreenName, TableState>>;
  readonly document: LiveDocument | null;
  readonly history: History | null;
  /** The newest first. */
  readonly finished: readonly FinishedRequest[];
  /** The oldest first. */
  readonly log: readonly KeptLine[];
  /** What the gateway tells of the request that is open; neutral lines, laid out. */
  readonly explained: Explained | null;
  readonly link: Link;
  readonly nowMs: number;
  readonly isPaused: boolean;
  readonly intervalMs: number;
  readonly notice: Notice | null;
  /** To be done by whoever runs the screen, once. */
  readonly action: TopAction | null;
  readonly isOver: boolean;
}

const PLAIN_TABLE: TableState = {
  ...{ sort: null, isReversed: false, filter: '', pinned: null, cursor: 0, offset: 0 },
};

export interface InitialView {
  readonly columns: number;
  readonly rows: number;
  readonly intervalMs: number;
  readonly screen: ScreenName;
  readonly filter: string;
}

export function createTopState(view: InitialView): TopState {
  const { columns, rows, intervalMs, screen, filter } = view;
  const table = { ...PLAIN_TABLE, filter };
  const bySpend = { ...table, sort: 'req/s' };
  return {
    ...{ columns, rows, screen, intervalMs, mode: { kind: 'browse' }, document: null },
    tables: {
      ...{ overview: table, models: bySpend, backends: table, keys: bySpend, users: bySpend },
      // A log is read at its end.
      ...{ teams: bySpend, gpus: table, requests: table },
      log: { ...table, cursor: Number.MAX_SAFE_INTEGER },
    },
    ...{
      history: null,
      finished: [],
      log: [],
      explained: null,
      link: { kind: 'connecting' },
      nowMs: 0,
    },
    ...{ isPaused: false, notice: null, action: null, isOver: false },
  };
}

/** Rows of the screen that belong to its table: what header, tabs, titles and footer leave. */
export function bodyRows({ rows }: Pick<TopState, 'rows'>): number {
  return Math.max(0, rows - FRAME_ROWS);
}

const FRAME_ROWS = 3;
/** What a table needs besides its rows. */
export const TITLE_ROWS = 1;

export const NARROWEST = 40;
export const LOWEST = 8;

export function isTooSmall({ columns, rows }: Pick<TopState, 'columns' | 'rows'>): boolean {
  return columns < NARROWEST || rows < LOWEST;
}
