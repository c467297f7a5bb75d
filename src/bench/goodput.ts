/** What a request must keep to count as good. Milliseconds; absent ones are not asked for. */
export interface Objectives {
  readonly ttft?: number;
  readonly tpot?: number;
  readonly e2el?: number;
}

export const OBJECTIVES = ['ttft', 'tpot', 'e2el'] as const;

/** `ttft:200`: milliseconds, as vLLM's --goodput. Throws an Error with what is wrong with it. */
export function parseObjective(text: string, before: Objectives = {}): Objectives {
  const [, name, digits] = /^([a-z0-9]+):(\d{1,9}(?:\.\d+)?)(?:ms)?$/.exec(text) ?? [];
  const known = OBJECTIVES.find((objective) => objective === name);
  if (known === undefined) {
    throw new Error(`Write ${OBJECTIVES.join(', ')} with milliseconds, such as ttft:200.`);
  }
  if (before[known] !== undefined) throw new Error(`${known} is there twice.`);
  return { ...before, [known]: Number(digits) };
}

/** Timings of one whole answer; null is a time it does not have. */
export interface Timings {
  readonly ttftMs: number | null;
  readonly tpotMs: number | null;
  readonly e2elMs: number;
}

/** A time that an answer does not have, such as the TPOT of one token, is kept: vLLM scores it 0. */
export function meetsObjectives(timings: Timings, objectives: Objectives): boolean {
  return (
    (timings.ttftMs ?? 0) <= (objectives.ttft ?? Number.POSITIVE_INFINITY) &&
    (timings.tpotMs ?? 0) <= (objectives.tpot ?? Number.POSITIVE_INFINITY) &&
    timings.e2elMs <= (objectives.e2el ?? Number.POSITIVE_INFINITY)
  );
}
