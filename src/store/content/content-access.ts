import type {
  ContentQuestion,
  ErasedContent,
  FoundContent,
  OwnedDataKey,
  SubjectScope,
} from './content-message.ts';

/** Whether a legal hold covers a subject; the scope `all` has an empty one. */
export type IsHeld = (scope: SubjectScope | 'all', subject: string) => boolean;

export type Erasure =
  | ({ readonly kind: 'erased' } & ErasedContent)
  /** Nothing was erased, because of a hold on one of those whose content it is. */
  | { readonly kind: 'held'; readonly scope: SubjectScope | 'all'; readonly subject: string };

/** What administrators can do with captured content, with a gateway and without. */
export interface ContentAccess {
  find(requestId: string): Promise<FoundContent>;
  /**
   * Destroys the keys of all content of a subject. Resolves when no copy of them is left in the
   * database; what they locked is removed after that, a little at a time.
   */
  erase(scope: SubjectScope, subject: string): Promise<Erasure>;
  /** What `erase` would do, without doing it. */
  tryErase(scope: SubjectScope, subject: string): Promise<Erasure>;
  /** Removes content from before a time that no hold covers; returns of how many requests. */
  purge(beforeMs: number): Promise<number>;
  /** Data keys that are not wrapped with the first content key. */
  countOldKeys(): Promise<number>;
}

export type AskDesk = <T>(question: ContentQuestion) => Promise<T>;

export function createContentAccess(ask: AskDesk, isHeld: IsHeld): ContentAccess {
  const erase = async (op: 'erase' | 'count', subject: ErasedSubject): Promise<Erasure> => {
    const held = await findHold(ask, isHeld, subject);
    if (held !== null) return { kind: 'held', ...held };
    return { kind: 'erased', ...(await ask<ErasedContent>({ op, ...subject })) };
  };
  return {
    find: (requestId) => ask({ op: 'find', requestId }),
    countOldKeys: () => ask({ op: 'old_keys' }),
    erase: (scope, subject) => erase('erase', { scope, subject }),
    tryErase: (scope, subject) => erase('count', { scope, subject }),
    async purge(beforeMs) {
      if (isHeld('all', '')) return 0;
      let removed = 0;
      const expired = pagesOf((afterId) => ask({ op: 'expired', beforeMs, afterId }));
      for await (const dataKey of expired) {
        if (holdOn(dataKey, isHeld) !== null) continue;
        removed += await purgeOne(ask, dataKey.id, beforeMs);
      }
      if (removed > 0) await ask({ op: 'truncate' });
      return removed;
    },
  };
}

/** A batch at a time, so that content that arrives meanwhile is not kept waiting. */
async function purgeOne(ask: AskDesk, dataKeyId: number, beforeMs: number): Promise<number> {
  let removed = 0;
  for (;;) {
    const batch = await ask<number>({ op: 'purge', dataKeyId, beforeMs });
    if (batch === 0) return removed;
    removed += batch;
  }
}

interface Subject {
  readonly scope: SubjectScope | 'all';
  readonly subject: string;
}

interface ErasedSubject extends Subject {
  readonly scope: SubjectScope;
}

async function findHold(
  ask: AskDesk,
  isHeld: IsHeld,
  { scope, subject }: ErasedSubject,
): Promise<Subject | null> {
  if (isHeld('all', '')) return { scope: 'all', subject: '' };
  if (isHeld(scope, subject)) return { scope, subject };
  const owned = pagesOf((afterId) => ask({ op: 'owned', scope, subject, afterId }));
  for await (const dataKey of owned) {
    const held = holdOn(dataKey, isHeld);
    if (held !== null) return held;
  }
  return null;
}

/** The first of its owners that is held. */
function holdOn({ keyId, user, team, tenant }: OwnedDataKey, isHeld: IsHeld): Subject | null {
  const owners = [
    ['key', keyId],
    ['user', user],
    ['team', team],
    ['tenant', tenant],
  ] as const;
  for (const [scope, subject] of owners) {
    if (subject !== null && isHeld(scope, subject)) return { scope, subject };
  }
  return null;
}

async function* pagesOf(
  page: (afterId: number) => Promise<OwnedDataKey[]>,
): AsyncGenerator<OwnedDataKey> {
  let afterId = 0;
  for (;;) {
    const dataKeys = await page(afterId);
    yield* dataKeys;
    const last = dataKeys.at(-1);
    if (last === undefined) return;
    afterId = last.id;
  }
}

/** Nothing was ever captured here, so there is nothing to find, erase or purge. */
export function createNoContent(): ContentAccess {
  return {
    find: async () => ({ kind: 'none' }),
    erase: async () => ({ kind: 'erased', dataKeys: 0, requests: 0 }),
    tryErase: async () => ({ kind: 'erased', dataKeys: 0, requests: 0 }),
    purge: async () => 0,
    countOldKeys: async () => 0,
  };
}
