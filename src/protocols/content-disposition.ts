/** The name of a form part, and whether it is a file. */
export interface Disposition {
  readonly name: string;
  readonly isFile: boolean;
}

const PARAMETER = /;[ \t]*([!#$%&'*+.^`|~\w-]+)=(?:"((?:[^"\\\r\n]|\\.)*)"|([^\s";]+))[ \t]*/y;

/**
 * Reads `form-data; name="model"`. undefined for anything that parsers are known to disagree on:
 * a missing, repeated, escaped or encoded (`name*`) name, or text left over.
 */
export function parseContentDisposition(value: string): Disposition | undefined {
  const type = /^form-data[ \t]*/i.exec(value);
  if (type === null) return undefined;
  let name: string | undefined;
  let isFile = false;
  PARAMETER.lastIndex = type[0].length;
  while (PARAMETER.lastIndex < value.length) {
    const found = PARAMETER.exec(value);
    if (found === null) return undefined;
    const parameter = (found[1] ?? '').toLowerCase();
    if (parameter === 'name') {
      if (name !== undefined) return undefined;
      name = found[2] ?? found[3] ?? '';
    } else if (parameter === 'filename' || parameter === 'filename*') isFile = true;
    else if (parameter === 'name*') return undefined;
  }
  if (name === undefined || name === '' || name.length > 256) return undefined;
  return /[\\%]/.test(name) ? undefined : { name, isFile };
}
