import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';

export type Tags = Key['tags'];

/** Header in which a caller labels one request: `project=x1,step=plan`. */
export const TAGS_HEADER = 'x-llmgate-tags';

const HEADER_LENGTH_MAX = 1_024;
const TAGS_MAX = 8;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const VALUE = /^[\x20-\x7e]{0,128}$/;

/**
 * Different headers of one key. Every set of tags is a line of its own in the books, so a caller
 * who numbers its requests must not be able to grow them without end.
 */
const SETS_PER_KEY = 1_000;

/** Different headers of all keys; past it the memory starts anew. */
const SETS_REMEMBERED = 100_000;

/** The tags a request is booked under: its key's, and those its caller sent along. */
export interface RequestTags {
  /**
   * The same object for the same header, so that what is worked out for it is worked out once. A
   * key's own tag is never replaced. Throws 400 for a header that is no list of tags.
   */
  of(key: Key, header: string | null): Tags;
  /** Requests booked without their caller's tags, because that caller had too many different ones. */
  readonly leftOut: number;
}

export interface RequestTagsOptions {
  readonly setsPerKey?: number;
  readonly setsRemembered?: number;
}

interface KnownSets {
  readonly keyTags: Tags;
  readonly byHeader: Map<string, Tags>;
}

export function createRequestTags(options: RequestTagsOptions = {}): RequestTags {
  const { setsPerKey = SETS_PER_KEY, setsRemembered = SETS_REMEMBERED } = options;
  const known = new Map<string, KnownSets>();
  let sets = 0;
  let leftOut = 0;

  function remember(key: Key, header: string, tags: Tags): void {
    if (sets >= setsRemembered) {
      known.clear();
      sets = 0;
    }
    const ofKey = known.get(key.id);
    if (ofKey !== undefined && ofKey.keyTags === key.tags) ofKey.byHeader.set(header, tags);
    else known.set(key.id, { keyTags: key.tags, byHeader: new Map([[header, tags]]) });
    sets += 1;
  }

  return {
    get leftOut() {
      return leftOut;
    },
    of(key, header) {
      if (header === null) return key.tags;
      const ofKey = known.get(key.id);
      const isCurrent = ofKey?.keyTags === key.tags;
      const found = isCurrent ? ofKey.byHeader.get(header) : undefined;
      if (found !== undefined) return found;
      const tags = { ...parseTags(header), ...key.tags };
      if (isCurrent && ofKey.byHeader.size >= setsPerKey) {
        leftOut += 1;
        return key.tags;
      }
      remember(key, header, tags);
      return tags;
    },
  };
}

function parseTags(header: string): Tags {
  if (header.length > HEADER_LENGTH_MAX) {
    throw badTags(`is longer than ${HEADER_LENGTH_MAX} characters`);
  }
  const tags = new Map<string, string>();
  for (const part of header.split(',')) {
    const text = part.trim();
    if (text === '') continue;
    const at = text.indexOf('=');
    const name = text.slice(0, at).trimEnd();
    const value = text.slice(at + 1).trimStart();
    if (at < 1 || !NAME.test(name) || !VALUE.test(value)) {
      throw badTags('is not a list such as project=x1,step=plan');
    }
    tags.set(name, value);
  }
  if (tags.size > TAGS_MAX) throw badTags(`has ${tags.size} tags, and ${TAGS_MAX} is the most`);
  return Object.fromEntries(tags);
}

function badTags(what: string): GateError {
  return new GateError('invalid_request', `The header ${TAGS_HEADER} ${what}.`);
}
