import type { ErrorCode } from '../core/error.ts';
import { toUsdString } from '../core/money.ts';
import { type Outcome, outcomeName } from '../core/outcome.ts';
import type { Log, LogFields } from '../observe/log.ts';
import type { FinishedRow } from '../store/rows.ts';
import type { Exchange } from './exchange.ts';

export interface Ending {
  readonly outcome: Outcome;
  readonly code: ErrorCode | null;
  readonly status: number;
  /** Undefined when there is nobody to book it on. */
  readonly row?: FinishedRow;
}

/** The one line of a request. Those of strangers are few, however many there are. */
export function logRequest(exchange: Exchange, ending: Ending): void {
  const { log, strangers, clock } = exchange.gate;
  if (!log.isEnabled('info')) return;
  if (ending.row === undefined && !strangers.mayTell(ending.code ?? 'none', clock.monotonicMs())) {
    return;
  }
  log.info('request', fieldsOf(exchange, ending));
}

function fieldsOf(exchange: Exchange, { outcome, code, status, row }: Ending): LogFields {
  const { attempts, queueMs } = exchange;
  const cost = row?.costNanoUsd ?? null;
  const ttftMs = row?.ttftMs ?? null;
  return {
    request_id: exchange.id,
    caller_request_id: callersOwnId(exchange.request),
    key_id: exchange.caller?.id,
    endpoint: exchange.route.endpoint,
    model: exchange.model?.name,
    backend: exchange.backend ?? undefined,
    outcome: outcomeName(outcome),
    code: code ?? undefined,
    status,
    input_tokens: row?.usage.inputTokens,
    output_tokens: row?.usage.outputTokens,
    cost_usd: cost === null ? undefined : toUsdString(cost),
    duration_ms: Math.round(exchange.elapsedMs() * 10) / 10,
    attempts: attempts.length > 1 ? attempts.length : undefined,
    queue_ms: queueMs > 0 ? Math.round(queueMs) : undefined,
    ttft_ms: ttftMs === null ? undefined : Math.round(ttftMs),
  };
}

/** The caller's text, so whatever a terminal could obey is left out of it. */
function callersOwnId(request: Request): string | undefined {
  return request.headers
    .get('x-request-id')
    ?.slice(0, 128)
    .replace(/[^\x20-\x7e]/g, '?');
}

const EVERY_MS = 1_000;

/**
 * Keeps floods of requests without a valid key out of the log: of each code one line a second is
 * written, and how many more there were is told when the second is over.
 */
export class StrangerLines {
  readonly #log: Log;
  readonly #after: (delayMs: number, run: () => void) => unknown;
  /** Codes are ours and few, so this is bounded. */
  readonly #codes = new Map<string, { untilMs: number; untold: number }>();

  constructor(log: Log, after: (delayMs: number, run: () => void) => unknown) {
    this.#log = log;
    this.#after = after;
  }

  /** Whether this one may have a line of its own; else it is counted. */
  mayTell(code: string, nowMs: number): boolean {
    const known = this.#codes.get(code);
    if (known === undefined || nowMs >= known.untilMs) {
      this.#codes.set(code, { untilMs: nowMs + EVERY_MS, untold: 0 });
      return true;
    }
    known.untold += 1;
    if (known.untold === 1) this.#after(known.untilMs - nowMs, () => this.#tell(code, known));
    return false;
  }

  #tell(code: string, { untold }: { untold: number }): void {
    this.#log.info('requests_refused', { code, count: untold });
  }
}
