import { createHmac } from 'node:crypto';

// Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`.

const PREFIX = 'whsec_';

/**
 * The bytes to sign with: what `whsec_…` encodes in base64, otherwise the text itself. Throws for a
 * `whsec_` that is not base64, without repeating it.
 */
export function parseWebhookSecret(secret: string): Uint8Array {
  if (!secret.startsWith(PREFIX)) return new TextEncoder().encode(secret);
  const encoded = secret.slice(PREFIX.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || encoded.length % 4 === 1) {
    throw new Error('a webhook secret that begins with whsec_ must go on in base64');
  }
  return new Uint8Array(Buffer.from(encoded, 'base64'));
}

export interface SignedMessage {
  /** The same for every attempt to deliver one message. */
  readonly id: string;
  /** Seconds since the epoch, of this attempt. */
  readonly timestampSeconds: number;
  readonly body: string;
}

/** The three headers that a receiver checks. */
export function toWebhookHeaders(
  message: SignedMessage,
  secret: Uint8Array,
): Readonly<Record<string, string>> {
  const { id, timestampSeconds, body } = message;
  const signature = createHmac('sha256', secret)
    .update(`${id}.${timestampSeconds}.${body}`, 'utf8')
    .digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': `v1,${signature}`,
  };
}
