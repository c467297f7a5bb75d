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

/** Without the findings that a misspelled key is also a missing one, which would only distract. */
export function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const meant = new Set<string>();
  for (const finding of findings) {
    if (finding.meant === undefined) continue;
    meant.add(renderPath([...finding.path.slice(0, -1), finding.meant]));
  }
  return findings.filter(({ path, isMissing }) => !(isMissing && meant.has(renderPath(path))));
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
