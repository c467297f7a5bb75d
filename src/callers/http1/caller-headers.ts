/**
 * The headers of one request, in the order of arrival, without `content-length`. Requests of one
 * connection that repeat their head share one object, so what is worked out for it can be kept in
 * a WeakMap.
 */
export class CallerHeaders {
  /** In lower case. */
  readonly names: readonly string[];
  /** Latin-1, without surrounding blanks. */
  readonly values: readonly string[];

  constructor(names: readonly string[], values: readonly string[]) {
    this.names = names;
    this.values = values;
  }

  /** `name` in lower case. Several of one name are one list (RFC 9110 §5.3); null for none. */
  get(name: string): string | null {
    const { names, values } = this;
    let found: string | null = null;
    for (let at = 0; at < names.length; at += 1) {
      if (names[at] !== name) continue;
      const value = values[at] ?? '';
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** How many lines have this name. */
  count(name: string): number {
    let count = 0;
    for (const one of this.names) if (one === name) count += 1;
    return count;
  }

  forEach(visit: (value: string, name: string) => void): void {
    const { names, values } = this;
    for (let at = 0; at < names.length; at += 1) visit(values[at] ?? '', names[at] ?? '');
  }
}
