import { type EndingWords, toDimensionWords, toEndingWords } from '../audit/request-text.ts';
import type { Price } from '../core/price.ts';
import { openDictionary } from './dictionary.ts';
import { NONE, openNames, toCanonicalTags } from './names.ts';
import { toPriceText } from './price-text.ts';
import { createRecall } from './recall.ts';
import type { Booking, FinishedRow } from './rows.ts';
import type { Database } from './sqlite.ts';

/** What a row holds as a number, and the text that stands for it in the hash chain. */
export interface Numbered {
  readonly id: number;
  readonly text: string;
}

/** The dictionaries that rows of requests are written with. */
export interface RowWords {
  nameId(name: string | null): number;
  /** On whom and what a request is booked. */
  dimension(booking: Booking, backend: string | null): Numbered;
  /** How it ended. */
  ending(row: FinishedRow): Numbered;
  price(price: Price | null): Numbered;
  /** After a rollback: what was numbered inside the lost transaction is unknown again. */
  forget(): void;
}

const NO_PRICE: Numbered = { id: NONE, text: '' };

const DIMENSION_COLUMNS = 'key, user, team, tenant, tags, model, backend, endpoint';
const ENDING_COLUMNS = 'outcome, code, usage_source, estimated, streamed, status';

// A request's words are mostly those of a recent one with its key: to compare them costs less than
// to make their text and look that up.

type KnownDimension = Numbered &
  Omit<Booking, 'id' | 'keyId' | 'streamed' | 'startedAtMs'> & {
    readonly backend: string | null;
  };

type KnownEnding = Numbered & EndingWords;

export function openRowWords(db: Database): RowWords {
  const names = openNames(db);
  const dimensions = openDictionary(db, 'dimensions', 'words', DIMENSION_COLUMNS);
  const endings = openDictionary(db, 'endings', 'words', ENDING_COLUMNS);
  const prices = openDictionary(db, 'prices', 'price');
  const recentDimensions = createRecall<KnownDimension>();
  const recentEndings = createRecall<KnownEnding>();
  // A price comes from a configuration, which outlives many requests.
  let knownPrices = new WeakMap<Price, Numbered>();

  function numberDimension(booking: Booking, backend: string | null): KnownDimension {
    const sorted = toCanonicalTags(booking.tags);
    const text = toDimensionWords({
      key: booking.keyId || null,
      user: booking.user || null,
      team: booking.team || null,
      tenant: booking.tenant || null,
      tags: sorted,
      model: booking.model || null,
      backend: backend || null,
      endpoint: booking.endpoint,
    });
    const id = dimensions.id(text, () => [
      names.id(booking.keyId),
      names.id(booking.user),
      names.id(booking.team),
      names.id(booking.tenant),
      names.tagSetId(sorted),
      names.id(booking.model),
      names.id(backend),
      names.id(booking.endpoint),
    ]);
    const { user, team, tenant, tags, model, endpoint } = booking;
    return { id, text, user, team, tenant, tags, model, backend, endpoint };
  }

  function numberEnding(row: FinishedRow): KnownEnding {
    const { outcome, code, usageSource, estimated, streamed, status } = row;
    const text = toEndingWords(row);
    const id = endings.id(text, () => [
      names.id(outcome),
      names.id(code),
      names.id(usageSource),
      estimated ? 1 : 0,
      streamed ? 1 : 0,
      status,
    ]);
    return { id, text, outcome, code, usageSource, estimated, streamed, status };
  }

  return {
    nameId: names.id,
    dimension(booking, backend) {
      const recent = recentDimensions.of(booking.keyId);
      for (const known of recent) if (isSameDimension(known, booking, backend)) return known;
      return recentDimensions.add(recent, numberDimension(booking, backend));
    },
    ending(row) {
      const recent = recentEndings.of(row.outcome);
      for (const known of recent) if (isSameEnding(known, row)) return known;
      return recentEndings.add(recent, numberEnding(row));
    },
    price(price) {
      if (price === null) return NO_PRICE;
      const known = knownPrices.get(price);
      if (known !== undefined) return known;
      const text = toPriceText(price);
      const numbered = { id: prices.id(text), text };
      knownPrices.set(price, numbered);
      return numbered;
    },
    forget() {
      for (const dictionary of [names, dimensions, endings, prices]) dictionary.forget();
      recentDimensions.forget();
      recentEndings.forget();
      knownPrices = new WeakMap();
    },
  };
}

function isSameDimension(known: KnownDimension, row: Booking, backend: string | null): boolean {
  return (
    known.backend === backend &&
    known.model === row.model &&
    known.endpoint === row.endpoint &&
    known.tags === row.tags &&
    known.user === row.user &&
    known.team === row.team &&
    known.tenant === row.tenant
  );
}

function isSameEnding(known: KnownEnding, row: FinishedRow): boolean {
  return (
    known.status === row.status &&
    known.streamed === row.streamed &&
    known.code === row.code &&
    known.usageSource === row.usageSource &&
    known.estimated === row.estimated
  );
}
