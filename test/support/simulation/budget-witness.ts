import type { Key } from '../../../src/core/key.ts';
import type { Price } from '../../../src/core/price.ts';
import type { BudgetBook, Payer } from '../../../src/pricing/budgets.ts';
import { FALLBACK_CAUSES } from '../../../src/routing/fallback-cause.ts';
import type { Model } from '../../../src/routing/model-table.ts';
import { type Known, NO_HOLD } from './known.ts';
import type { Subjects } from './naive-budgets.ts';
import type { Plant } from './plant.ts';

type HoldFacts = Pick<Known, 'entry' | 'plans' | 'wantedTokens'>;

/** Stands beside the budgets and writes down what was held, for what, and how it ended. */
export class BudgetWitness {
  readonly #plant: Plant;
  readonly #holds = new WeakMap<object, HoldFacts>();
  #lastHold: HoldFacts = NO_HOLD;
  #lastWanted = 0;

  constructor(plant: Plant) {
    this.#plant = plant;
  }

  /** Of a request that opens its row now. A copy for a shadow does so right after its hold. */
  factsOf(hold: object | undefined): HoldFacts {
    return (hold === undefined ? undefined : this.#holds.get(hold)) ?? this.#lastHold;
  }

  /** The same book, with every hold compared with what a naive book says. */
  watch(book: BudgetBook): BudgetBook {
    const plant = this.#plant;
    const { naive } = plant;
    const reserve: BudgetBook['reserve'] = (payer, amount) => {
      naive.advance(plant.clock.nowMs());
      const subjects = subjectsOf(payer);
      const room = naive.room(payer.key, subjects);
      const fits = amount.nanoUsd <= room.usd && amount.tokens <= room.tokens;
      let hold: ReturnType<BudgetBook['reserve']>;
      try {
        hold = book.reserve(payer, amount);
      } catch (cause) {
        if (amount.tokens < this.#wanted(payer, amount.tokens)) {
          plant.fail('shrunk to what does not fit');
        }
        if (fits) plant.fail(`refused ${JSON.stringify(amount)} that fits ${JSON.stringify(room)}`);
        throw cause;
      }
      if (!fits) plant.fail(`let in ${JSON.stringify(amount)} beyond ${JSON.stringify(room)}`);
      const held = { heldUsd: amount.nanoUsd, heldTokens: amount.tokens };
      const entry = naive.hold(payer.key, subjects, held);
      const wantedTokens = this.#wanted(payer, amount.tokens);
      if (amount.tokens < wantedTokens) plant.shrunk += 1;
      const facts: HoldFacts = { entry, plans: this.#plansOf(payer), wantedTokens };
      this.#lastHold = facts;
      // Only the first end counts.
      const again = () => {
        if (plant.random.int(3) === 0) hold.settle({ ...amount });
        else if (plant.random.int(2) === 0) hold.cancel();
      };
      const watched: ReturnType<BudgetBook['reserve']> = {
        settle: (actual) => {
          if (entry.isOpen) {
            const isOver = actual.nanoUsd > entry.heldUsd || actual.tokens > entry.heldTokens;
            plant.overruns += isOver ? 1 : 0;
            entry.isOpen = false;
            entry.spentUsd = actual.nanoUsd;
            entry.spentTokens = actual.tokens;
          }
          naive.advance(plant.clock.nowMs());
          hold.settle(actual);
          again();
        },
        cancel: () => {
          entry.isOpen = false;
          naive.advance(plant.clock.nowMs());
          hold.cancel();
          again();
        },
      };
      this.#holds.set(watched, facts);
      return watched;
    };
    const room: BudgetBook['room'] = (payer, amount) => {
      naive.advance(plant.clock.nowMs());
      this.#lastWanted = amount.tokens;
      return book.room(payer, amount);
    };
    return new Proxy(book, {
      get(target, name) {
        if (name === 'reserve') return reserve;
        if (name === 'room') return room;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** A copy for a shadow is never shrunk. */
  #wanted({ key }: Payer, tokens: number): number {
    return key.id === 'shadow' ? tokens : this.#lastWanted;
  }

  /** Prices of the whole plan, of it without its spares, and of each spare for want of money. */
  #plansOf({ key, model: name }: Payer): (Price | null)[][] {
    const model = this.#plant.gate.models.find(name);
    if (model === undefined) return [];
    if (key.id === 'shadow') return this.#plant.shadowPrices().map((price) => [price]);
    const isAllowed = this.#plant.scene.unpriced === 'allow';
    const pricesOf = ({ targets }: Model) =>
      targets.map(({ price }) => price).filter((price) => isAllowed || price !== null);
    const own = pricesOf(model);
    const spares = FALLBACK_CAUSES.flatMap((cause) => model.fallbacks[cause]);
    const cheaper = model.fallbacks.budget.map(pricesOf);
    return [[...own, ...spares.flatMap(pricesOf)], own, ...cheaper];
  }
}

export function subjectsOf({ key, model }: Payer): Subjects {
  const { id, user, team, tenant }: Key = key;
  return { all: '', key: id, user, team, tenant, model: model === '' ? null : model };
}
