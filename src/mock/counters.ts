/** What `GET /mock/stats` shows. Counts are since the start or the last reset. */
export interface MockStats {
  /** Inference requests: POSTs of the API. Asking for models, health or metrics is a probe. */
  readonly requests: number;
  readonly probes: number;
  readonly in_flight: number;
  /** Of those in flight, the ones that wait for a place in the batch. */
  readonly queued: number;
  /** Answered whole. */
  readonly completed: number;
  /** Replaced or cut on purpose. */
  readonly faults: number;
  /** Their caller went before the end. */
  readonly left_by_caller: number;
  /** Of those left, the ones that were streaming. */
  readonly streams_left_by_caller: number;
  /** Refused by the mock itself: wrong key, unknown model, bad body, queue full. */
  readonly refused: number;
  readonly bad_syntax: number;
  readonly is_listening: boolean;
  readonly open_connections: number;
  readonly connections: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly log_dropped: number;
  readonly invoice_dropped: number;
  readonly script_left: number;
}

export type Counters = {
  -readonly [Name in
    | 'requests'
    | 'probes'
    | 'in_flight'
    | 'completed'
    | 'faults'
    | 'left_by_caller'
    | 'streams_left_by_caller'
    | 'refused'
    | 'bad_syntax'
    | 'open_connections'
    | 'connections'
    | 'prompt_tokens'
    | 'completion_tokens']: number;
};

export function createCounters(): Counters {
  return {
    requests: 0,
    probes: 0,
    in_flight: 0,
    completed: 0,
    faults: 0,
    left_by_caller: 0,
    streams_left_by_caller: 0,
    refused: 0,
    bad_syntax: 0,
    open_connections: 0,
    connections: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
  };
}

/** Starts counting again; what is open or in flight stays. */
export function resetCounters(counters: Counters): void {
  const { in_flight, open_connections } = counters;
  Object.assign(counters, createCounters(), { in_flight, open_connections });
}
