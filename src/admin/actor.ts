import { AsyncLocalStorage } from 'node:async_hooks';

/** Who does something, and from where, as the audit trail has it. */
export interface Actor {
  /** `user@host` as the command names itself: a claim of somebody who may open the socket. */
  readonly actor: string;
  /** `admin socket`, `admin tcp`, `offline`, `signal`, `file`. */
  readonly origin: string;
}

/** The header in which a command says who runs it, percent-encoded. */
export const ACTOR_HEADER = 'x-llmgate-actor';

const NAME_MAX_CHARS = 128;

const NOBODY: Actor = { actor: 'unknown', origin: 'gateway' };

// An operation is many calls deep when it writes its event, and none of them cares who asked: so
// the answer travels beside the calls, bound to the request that brought it.
const calls = new AsyncLocalStorage<Actor>();

export function runAs<T>(actor: Actor, work: () => T): T {
  return calls.run(actor, work);
}

/** Who asked for what is being done now. */
export function currentActor(): Actor {
  return calls.getStore() ?? NOBODY;
}

/** What a request says of who sent it. Whoever may open the socket may say what they like. */
export function parseActorHeader(text: string | null): string {
  try {
    const name = decodeURIComponent(text ?? '').replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '');
    return name.trim().slice(0, NAME_MAX_CHARS).toWellFormed() || 'unknown';
  } catch {
    return 'unknown';
  }
}
