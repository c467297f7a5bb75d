/** Past this many, further values are written out in every record that has them. */
const MOST_VALUES = 16_384;

/**
 * Values that many records have in common, each kept once and called by a number. What is given
 * back for a number is one object, so who remembers something about it finds it again.
 */
export class SharedValues<Value> {
  readonly #render: (value: Value) => string;
  /** The objects themselves first: an object that is known needs no text. */
  readonly #byValue = new Map<Value, number>();
  readonly #byText = new Map<string, number>();
  readonly #values: Value[] = [];

  /** `render` makes the text by which values are compared. */
  constructor(render: (value: Value) => string) {
    this.#render = render;
  }

  /** The number of a value; undefined when it has none and there is no room for one more. */
  numberOf(value: Value): number | undefined {
    const known = this.#byValue.get(value);
    if (known !== undefined) return known;
    const text = this.#render(value);
    const equal = this.#byText.get(text);
    if (equal !== undefined || this.#values.length >= MOST_VALUES) return equal;
    const number = this.#values.push(value) - 1;
    this.#byText.set(text, number);
    this.#byValue.set(value, number);
    return number;
  }

  valueOf(number: number): Value {
    const value = this.#values[number];
    if (value === undefined) throw new RangeError(`no value has the number ${number}`);
    return value;
  }
}
