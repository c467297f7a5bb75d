/** The way to a value: keys of maps and indexes of lists, from the top of the file. */
export type ValuePath = readonly (string | number)[];

/**
 * A mistake in the configuration, found without knowing where in the text it stands. The message
 * is a clause without full stop; it never repeats a value that may be a secret.
 */
export interface Finding {
  readonly path: ValuePath;
  /** Point at the key itself instead of its value: for names that are wrong. */
  readonly at?: 'key';
  readonly message: string;
  readonly hint?: string;
  /** Nothing is written at `path`. */
  readonly isMissing?: true;
  /** At an unknown key: the known one that it was taken for. */
  readonly meant?: string;
}

/**
 * What is worth saying: the first finding for each place, a wrong key before its value, and nothing
 * about a key that is missing only because it is misspelled.
 */
export function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const keysFirst = findings.toSorted((a, b) => Number(b.at === 'key') - Number(a.at === 'key'));
  const meant = new Set<string>();
  for (const finding of findings) {
    if (finding.meant === undefined) continue;
    meant.add(renderPath([...finding.path.slice(0, -1), finding.meant]));
  }
  const places = new Set<string>();
  return keysFirst.filter(({ path, isMissing }) => {
    const place = renderPath(path);
    if (isMissing && meant.has(place)) return false;
    return places.size < places.add(place).size;
  });
}

/** `models["llama-3.3"].targets[0]`: a path as people write it. */
export function renderPath(path: ValuePath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[A-Za-z_][\w-]*$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}
