import { findEmails, findUrlCredentials } from './redact-address.ts';
import { findIbans } from './redact-bank.ts';
import { coverDataUrls } from './redact-data.ts';
import { findIpv6 } from './redact-ipv6.ts';
import { findNumbers } from './redact-number.ts';
import { findPrivateKeys, findSecrets } from './redact-secret.ts';
import { coverSpans, type FindSpans, type RedactionSpan } from './redact-span.ts';

const FINDERS: readonly FindSpans[] = [
  findPrivateKeys,
  findUrlCredentials,
  findSecrets,
  findEmails,
  findIbans,
  findNumbers,
  findIpv6,
];

/** `::1`. */
const SHORTEST = 3;

export interface RedactOptions {
  /** Puts labels in double quotes, for text that is JSON outside its strings. */
  readonly quote?: boolean;
}

/**
 * Plain text with personal data and secrets replaced by `[EMAIL]`, `[CARD]` and so on. Finds what
 * has a shape: names and postal addresses have none. Takes time linear in the text.
 */
export function redactText(text: string, { quote = false }: RedactOptions = {}): string {
  if (text.length < SHORTEST) return text;
  const plain = coverDataUrls(text);
  const found: RedactionSpan[] = [];
  for (const find of FINDERS) find(plain, found);
  return coverSpans(plain, found, quote);
}
