/** More lists than that, and all begin anew. */
const MAX_LISTS = 10_000;

/** A list longer than that begins anew too: a search through it must stay short. */
const MAX_PER_LIST = 16;

/** A few of the newest values by name, for whom a search is cheaper than to make a key of them. */
export interface Recall<Value> {
  of(name: string): Value[];
  /** Adds to a list that `of` returned; returns the value. */
  add(list: Value[], value: Value): Value;
  forget(): void;
}

export function createRecall<Value>(): Recall<Value> {
  const lists = new Map<string, Value[]>();
  return {
    of(name) {
      const known = lists.get(name);
      if (known !== undefined) return known;
      if (lists.size >= MAX_LISTS) lists.clear();
      const list: Value[] = [];
      lists.set(name, list);
      return list;
    },
    add(list, value) {
      if (list.length >= MAX_PER_LIST) list.length = 0;
      list.push(value);
      return value;
    },
    forget: () => lists.clear(),
  };
}
