import { hostname, userInfo } from 'node:os';
import type { CliIo } from './io.ts';

/**
 * Who runs this command, for the audit trail: `user@host`, with the person behind `sudo` where it
 * says. What the machine says, not a proof: whoever may open the admin socket could say otherwise.
 */
export function nameActor({ env }: Pick<CliIo, 'env'>): string {
  const user = `${findUser()}@${hostname()}`;
  const person = env['SUDO_USER'];
  return person === undefined || person === '' || user.startsWith(`${person}@`)
    ? user
    : `${user} (sudo by ${person})`;
}

/** A user without an entry in the system's list, as in a container, has a number only. */
function findUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
