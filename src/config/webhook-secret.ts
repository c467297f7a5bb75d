import { BadValue } from './bad-value.ts';

const SHORTEST = 16;
const SAMPLE =
  /change.?(me|this)|example|sample|placeholder|passwor|secret|your.?(key|token|web)|replace|default|webhook|llmgate|012345|123456|abcdef/i;

/**
 * Who knows the secret of a webhook can speak as the gateway, so one that can be guessed is
 * refused. Throws BadValue without any of the text.
 */
export function checkWebhookSecret(text: string): void {
  checkRandomness(text.replace(/^whsec_/, ''), SHORTEST);
}

/** The same for any text that opens a door. Throws BadValue without any of the text. */
export function checkRandomness(random: string, shortest: number): void {
  const hint = 'make one with: openssl rand -base64 32';
  if (random.length < shortest) {
    throw new BadValue(`shorter than ${shortest} characters; ${hint}`);
  }
  // Sixteen random hex digits have ten different ones on average.
  if (new Set(random).size < 6 || SAMPLE.test(random)) {
    throw new BadValue(`looks like a sample, which others know too; ${hint}`);
  }
}
