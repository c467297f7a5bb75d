import { BadValue } from './bad-value.ts';

const SHORTEST = 16;
const SAMPLE =
  /change.?(me|this)|example|sample|placeholder|passwor|secret|your.?(key|token|web)|replace|default|webhook|llmgate|012345|123456|abcdef/i;

/**
 * Who knows the secret of a webhook can speak as the gateway, so one that can be guessed is
 * refused. Throws BadValue without any of the text.
 */
export function checkWebhookSecret(text: string): void {
  const random = text.replace(/^whsec_/, '');
  const hint = 'make one with: openssl rand -base64 32';
  if (random.length < SHORTEST) {
    throw new BadValue(`shorter than ${SHORTEST} characters; ${hint}`);
  }
  // Sixteen random hex digits have ten different ones on average.
  if (new Set(random).size < 6 || SAMPLE.test(random)) {
    throw new BadValue(`looks like a sample, which others know too; ${hint}`);
  }
}
