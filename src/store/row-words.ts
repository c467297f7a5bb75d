import { toDimensionWords, toEndingWords } from '../audit/request-text.ts';
import type { Price } from '../core/price.ts';
import { openDictionary } from './dictionary.ts';
import { NONE, openNames, toCanonicalTags } from './names.ts';
import { toPriceText } from './price-text.ts';
import type { Booking, FinishedRow } from './rows.ts';
import type { Database } from './sqlite.ts';

/** What a row holds as a number, and the text that stands for it in the hash chain. */
export interface Numbered {
  readonly id: number;
  readonly text: string;
}

/** The dictionaries that rows of requests are written with. Texts are their keys and our cache's. */
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

export function openRowWords(db: Database): RowWords {
  const names = openNames(db);
  const dimensions = openDictionary(db, 'dimensions', 'words', DIMENSION_COLUMNS);
  const endings = openDictionary(db, 'endings', 'words', ENDING_COLUMNS);
  const prices = openDictionary(db, 'prices', 'price');
  // A price comes from a configuration, which outlives many requests.
  let knownPrices = new WeakMap<Price, Numbered>();

  return {
    nameId: names.id,
    dimension(booking, backend) {
      const tags = toCanonicalTags(booking.tags);
      const text = toDimensionWords({
        key: booking.keyId || null,
        user: booking.user || null,
        team: booking.team || null,
        tenant: booking.tenant || null,
        tags,
        model: booking.model || null,
        backend: backend || null,
        endpoint: booking.endpoint,
      });
      const id = dimensions.id(text, () => [
        names.id(booking.keyId),
        names.id(booking.user),
        names.id(booking.team),
        names.id(booking.tenant),
        names.tagSetId(tags),
        names.id(booking.model),
        names.id(backend),
        names.id(booking.endpoint),
      ]);
      return { id, text };
    },
    ending(row) {
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
      return { id, text };
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
      knownPrices = new WeakMap();
    },
  };
}
