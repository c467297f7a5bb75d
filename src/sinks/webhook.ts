import { sendHttp } from './send-http.ts';
import type { SinkParts } from './sink.ts';
import { parseWebhookSecret, toWebhookHeaders } from './webhook-signature.ts';

/** Where signed messages are posted to, from the configuration file only. */
export interface WebhookAddress {
  readonly url: string;
  /** `whsec_` and base64, or any other text. */
  readonly secret: string;
}

/** Signed messages to one address. Whoever posts decides when to try again. */
export interface Webhook {
  /** One attempt, with a deadline. Throws SinkFailure unless the answer is a 2xx. */
  post(message: { readonly id: string; readonly body: string }, signal: AbortSignal): Promise<void>;
}

/** Throws for a secret that cannot be used. */
export function createWebhook(
  { url, secret }: WebhookAddress,
  parts: Pick<SinkParts, 'clock' | 'timers'>,
): Webhook {
  const key = parseWebhookSecret(secret);
  return {
    post({ id, body }, signal) {
      const timestampSeconds = Math.floor(parts.clock.nowMs() / 1_000);
      const headers = {
        'content-type': 'application/json',
        ...toWebhookHeaders({ id, timestampSeconds, body }, key),
      };
      return sendHttp({ method: 'POST', url, headers, body }, parts, signal);
    },
  };
}
