import { checkSigningKey, parseContentKey } from './audit-keys.ts';
import { BadValue } from './bad-value.ts';
import { type Secrets, secretKey } from './check-references.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, itemsOf, textAt } from './raw.ts';
import { checkWebhookSecret } from './webhook-secret.ts';

/** Rules of `audit` and `alerts` about what they must have and what their secrets must be. */
export function checkAudit(file: unknown, secrets: Secrets): Finding[] {
  const audit = at(file, 'audit');
  const withSecret = (path: ValuePath, check: (text: string) => unknown): Finding[] => {
    const text = secrets.get(secretKey(path));
    if (text === undefined) return []; // Not written, or reported already.
    try {
      check(text);
      return [];
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      return [{ path, message: error.message }];
    }
  };
  const previous = itemsOf(at(audit, 'previous_content_keys'));
  return [
    ...checkContent(audit),
    ...withSecret(['audit', 'content_key'], parseContentKey),
    ...previous.flatMap((_, index) =>
      withSecret(['audit', 'previous_content_keys', index], parseContentKey),
    ),
    ...checkRotation(secrets, previous.length),
    ...withSecret(['audit', 'signing_key'], checkSigningKey),
    ...itemsOf(at(audit, 'export')).flatMap((_, index) =>
      withSecret(['audit', 'export', index, 'secret'], checkWebhookSecret),
    ),
    ...withSecret(['alerts', 'webhook', 'secret'], checkWebhookSecret),
  ];
}

function checkContent(audit: unknown): Finding[] {
  if (at(audit, 'content_key') !== undefined) return [];
  const content = textAt(audit, 'content');
  if (content === 'redacted' || content === 'full') {
    const message = `required for content: ${content}, but missing`;
    const hint = 'write content_key: ${file:/path}';
    return [{ path: ['audit', 'content_key'], message, hint, isMissing: true }];
  }
  if (itemsOf(at(audit, 'previous_content_keys')).length === 0) return [];
  const message = 'there are previous ones, so the key of today is needed too';
  return [{ path: ['audit', 'content_key'], message, isMissing: true }];
}

/** A rotation that kept the old key as the new one, or lists one twice. */
function checkRotation(secrets: Secrets, previousCount: number): Finding[] {
  const seen = new Set([secrets.get(secretKey(['audit', 'content_key']))]);
  const findings: Finding[] = [];
  for (let index = 0; index < previousCount; index += 1) {
    const path = ['audit', 'previous_content_keys', index];
    const text = secrets.get(secretKey(path));
    if (text === undefined) continue;
    if (seen.has(text)) findings.push({ path, message: 'the same key as one before it' });
    seen.add(text);
  }
  return findings;
}
