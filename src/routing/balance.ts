/** How one of several targets that could answer is chosen. */
export const BALANCES = [
  'round_robin',
  'weighted',
  'least_busy',
  'latency',
  'cost',
  'sticky',
] as const;
export type Balance = (typeof BALANCES)[number];
