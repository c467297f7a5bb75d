import type { Timers } from '../core/timers.ts';
import { startDeadline } from './deadline.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { SinkParts } from './sink.ts';
import { SinkFailure, type SinkFailureOptions, toSinkFailure } from './sink-failure.ts';

/** From the first byte sent to the status of the answer. */
const DEADLINE_MS = 30_000;

/** What is read of an answer's body so that its connection can be used again; then it is cut. */
const DRAIN_BYTES = 64 * 1024;
const DRAIN_MS = 1_000;

export interface HttpDelivery {
  readonly method: 'POST' | 'PUT';
  /** http or https, from the configuration file. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends one request and resolves when the answer is a 2xx. Follows no redirect and believes no
 * body. Throws SinkFailure for everything else.
 */
export async function sendHttp(
  delivery: HttpDelivery,
  { clock, timers }: Pick<SinkParts, 'clock' | 'timers'>,
  signal: AbortSignal,
): Promise<void> {
  const { url, method, headers, body } = delivery;
  // The runtime's fetch also reads files and buckets.
  if (!/^https?:\/\//i.test(url)) throw new SinkFailure('the address is not http or https');
  using deadline = startDeadline(timers, DEADLINE_MS, signal);
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: { 'user-agent': 'llmgate', ...headers },
      body,
      redirect: 'manual',
      signal: deadline.signal,
    });
  } catch (cause) {
    if (!deadline.hasPassed) throw toSinkFailure(cause, method);
    throw new SinkFailure(`no answer in ${DEADLINE_MS / 1_000} s`, { cause });
  }
  await drain(response, timers);
  if (!response.ok) throw refusal(response, clock.nowMs());
}

function refusal({ status, headers }: Response, nowMs: number): SinkFailure {
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), nowMs);
  const isRedirect = status >= 300 && status < 400;
  const note = isRedirect ? ', a redirect, which is not followed' : '';
  return new SinkFailure(`answered HTTP ${status}${note}`, { retryAfterMs, kind: kindOf(status) });
}

function kindOf(status: number): NonNullable<SinkFailureOptions['kind']> {
  if (status === 413) return 'batch_too_large';
  const isPassing = status === 408 || status === 425 || status === 429;
  return status >= 400 && status < 500 && !isPassing ? 'rejected' : 'unreachable';
}

/** The status has said everything: whatever becomes of the body changes nothing. */
async function drain({ body }: Response, timers: Timers): Promise<void> {
  if (body === null) return;
  const reader = body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  const cancelTimer = timers.after(DRAIN_MS, stop);
  try {
    let sizeBytes = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      sizeBytes += value.byteLength;
      if (sizeBytes > DRAIN_BYTES) return stop();
    }
  } catch {
    // Cut off: the connection is gone, the answer is not.
  } finally {
    cancelTimer();
  }
}
