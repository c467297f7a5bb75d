import type { StoreEvent } from '../store-event.ts';

/** What a content mode other than `off` is called in the database and beside the ciphertext. */
export type KeptMode = 'redacted' | 'full';

/** Whose content it is: each can be erased alone, as can all of a key, a user, a team or a tenant. */
export interface ContentOwner {
  readonly keyId: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
}

/** What `audit erase` and legal holds can name. */
export const SUBJECT_SCOPES = ['key', 'user', 'team', 'tenant'] as const;
export type SubjectScope = (typeof SUBJECT_SCOPES)[number];

export interface ContentPart {
  /** Up to the cap. */
  readonly bytes: Uint8Array;
  /** All that was sent, also what the cap kept out. */
  readonly sizeBytes: number;
}

/** One captured request on its way to the database. */
export interface CapturedContent {
  /** UUID text. */
  readonly requestId: string;
  readonly owner: ContentOwner;
  readonly mode: KeptMode;
  readonly atMs: number;
  readonly request: ContentPart;
  readonly answer: ContentPart;
}

export interface KeptPart extends ContentPart {
  readonly isTruncated: boolean;
}

/** What the database has of a request. */
export type FoundContent =
  | { readonly kind: 'none' }
  /** The data key is gone and nobody can read what may still lie there. */
  | { readonly kind: 'erased' }
  /** The id, in hexadecimal, of the configured key that is missing. */
  | { readonly kind: 'locked'; readonly contentKeyId: string }
  | { readonly kind: 'damaged' }
  | {
      readonly kind: 'found';
      readonly owner: ContentOwner;
      readonly mode: KeptMode;
      readonly atMs: number;
      readonly request: KeptPart;
      readonly answer: KeptPart;
      /** What the request's row must hold. */
      readonly reference: Uint8Array;
    };

/** Data keys in id order, with whose content they lock. */
export interface OwnedDataKey extends ContentOwner {
  readonly id: number;
}

export interface ErasedContent {
  readonly dataKeys: number;
  /** Requests whose content can be read no more. */
  readonly requests: number;
}

export interface DeskOptions {
  readonly path: string;
  /** 32 bytes each; the first one wraps, all of them unwrap. */
  readonly contentKeys: readonly Uint8Array[];
  readonly durability: 'process' | 'full';
}

/** What can be asked of the content database. */
export type ContentQuestion =
  /** → the content reference, 32 bytes. */
  | { readonly op: 'keep'; readonly content: CapturedContent }
  | { readonly op: 'forget'; readonly requestId: string }
  | { readonly op: 'find'; readonly requestId: string }
  /** Writes and removes something, to see whether that works. */
  | { readonly op: 'probe' }
  /** → data keys of a subject with an id above `afterId`, at most a page. */
  | {
      readonly op: 'owned';
      readonly scope: SubjectScope;
      readonly subject: string;
      readonly afterId: number;
    }
  /** → what `erase` would destroy. */
  | { readonly op: 'count'; readonly scope: SubjectScope; readonly subject: string }
  | { readonly op: 'erase'; readonly scope: SubjectScope; readonly subject: string }
  /** → data keys that lock content from before a time, at most a page. */
  | { readonly op: 'expired'; readonly beforeMs: number; readonly afterId: number }
  /** → how many requests were removed: a batch, so ask until it is 0. */
  | { readonly op: 'purge'; readonly dataKeyId: number; readonly beforeMs: number }
  /** Leaves no copy of what was deleted in the log. */
  | { readonly op: 'truncate' }
  /** → how many data keys are not wrapped with the first content key. */
  | { readonly op: 'old_keys' };

/** Every ask to the thread gets one answer with its number. */
export type ContentAsk =
  | ({ readonly id: number } & ContentQuestion)
  | { readonly id: number; readonly op: 'start'; readonly options: DeskOptions }
  | { readonly id: number; readonly op: 'close' };

export type ContentAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: ContentFailure }
  | { readonly event: StoreEvent };

/** An error as it crosses the thread. */
export interface ContentFailure {
  /** The file itself is not to be trusted: a sentence for the operator. */
  readonly isStoreError: boolean;
  readonly message: string;
}
