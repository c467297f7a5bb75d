// AMD's tools change the shape of their JSON between versions: figures are read by where they have
// been seen, and what is elsewhere is null.

/** What a member holds; undefined for whatever has none. */
export function memberOf(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = Reflect.get(at, name);
  }
  return at;
}

const SCALES: Readonly<Record<string, number>> = {
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
};

/** `42`, `"42.0"`, `"42 W"`, `{ "value": 42, "unit": "MB" }`; sizes as bytes. null for `"N/A"`. */
export function toFigure(value: unknown): number | null {
  const plain = memberOf(value, 'value') ?? value;
  const [, digits, unitInText] =
    /^\(?\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]*)\)?$/.exec(String(plain)) ?? [];
  if (digits === undefined || (typeof plain !== 'string' && typeof plain !== 'number')) return null;
  const unit = String(memberOf(value, 'unit') ?? unitInText ?? '').toUpperCase();
  return Number(digits) * (SCALES[unit] ?? 1);
}

/** The first of these that is a figure. */
export function firstFigure(values: readonly unknown[]): number | null {
  return values.map(toFigure).find((figure) => figure !== null) ?? null;
}

export function toPart(percent: number | null): number | null {
  return percent === null ? null : Math.min(1, percent / 100);
}

/** undefined when it is no JSON. Warnings before and after the document are common. */
export function parseToolJson(text: string): unknown {
  const begin = text.search(/[[{]/);
  const end = Math.max(text.lastIndexOf(']'), text.lastIndexOf('}'));
  if (begin === -1 || end < begin) return undefined;
  try {
    return JSON.parse(text.slice(begin, end + 1));
  } catch {
    return undefined;
  }
}
