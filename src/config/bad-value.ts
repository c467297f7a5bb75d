/**
 * A value written by a person that cannot be used. The message is a whole clause that says what is
 * wrong and what to write instead; it is shown as it is, so it never contains a secret.
 */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}
