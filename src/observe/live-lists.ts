/** The most rows of one list; the busiest or newest are the ones that are there. */
export const LIVE_ROWS_MAX = 200;

/** The long lists. A screen that shows neither is spared most of the document. */
export const LIVE_LISTS = ['callers', 'requests'] as const;
export type LiveList = (typeof LIVE_LISTS)[number];
