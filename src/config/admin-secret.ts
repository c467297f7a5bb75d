import { checkRandomness } from './webhook-secret.ts';

/** A key of the admin plane is tried by everybody who reaches the address, as often as they like. */
const SHORTEST = 24;

/** Throws BadValue without any of the text when the secret could be guessed. */
export function checkAdminSecret(text: string): void {
  checkRandomness(text, SHORTEST);
}
