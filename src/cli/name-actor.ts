import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { CliIo } from './io.ts';

/**
 * Who runs this command, for the audit trail: `user@host`, with the person behind `sudo` where it
 * says. What the machine says, not a proof: whoever may open the admin socket could say otherwise.
 */
export function nameActor({ env }: Pick<CliIo, 'env'>, passwd = readPasswd()): string {
  const uid = process.getuid?.();
  // Bun takes the name from the environment, which says nothing under most service managers.
  const name = findUser(passwd, uid) ?? env['USER'] ?? `uid ${uid ?? '?'}`;
  const user = `${name}@${hostname()}`;
  const person = env['SUDO_USER'];
  const isSomebodyElse = person !== undefined && person !== '' && person !== name;
  return isSomebodyElse ? `${user} (sudo by ${person})` : user;
}

/** Users of a directory service are not in the file; then the environment is all there is. */
function findUser(passwd: string, uid: number | undefined): string | undefined {
  return passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(uid))?.[0];
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}
