// RFC 9110 §5.6.6, without `\"`: some parsers take it for an escape and some for the end.
const PARAMETER = /;[ \t]*([!#$%&'*+.^`|~\w-]+)=(?:"((?:[^"\\\r\n]|\\(?!"))*)"|([^\s";,]+))[ \t]*/y;

/**
 * The parameters of a header such as `multipart/form-data; boundary=x`, names in lower case.
 * undefined when the value is not of `type`, or when anything in it is malformed, escaped, repeated
 * or written the extended way (`name*=`): two parsers could then read it differently.
 */
export function parseHeaderParameters(
  value: string,
  type: string,
): ReadonlyMap<string, string> | undefined {
  const text = value.trim();
  const typeEnd = text.search(/[ \t]*(?:;|$)/);
  if (text.slice(0, typeEnd).toLowerCase() !== type) return undefined;
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex =
    text.indexOf(';', typeEnd) === -1 ? text.length : text.indexOf(';', typeEnd);
  while (PARAMETER.lastIndex < text.length) {
    const found = PARAMETER.exec(text);
    if (found === null) return undefined;
    const name = (found[1] ?? '').toLowerCase();
    const isFilename = name.startsWith('filename');
    if (parameters.has(name) || (name.includes('*') && !isFilename)) return undefined;
    parameters.set(name, found[2] ?? found[3] ?? '');
  }
  return parameters;
}
