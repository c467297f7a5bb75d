import type { Edit, JsonBody } from './json-body.ts';

/**
 * The edits after which no member of a request allows more than `tokens` of output per choice:
 * those of `members` that the caller set to more are lowered, and where none is set, `preferred`
 * is added. Nothing is edited where the caller asks for less.
 */
export function limitMembers(
  { value }: JsonBody,
  tokens: number,
  members: readonly string[],
  preferred: string,
): readonly Edit[] {
  const json = String(tokens);
  const set = members.filter((member) => typeof value[member] === 'number');
  if (set.length === 0) return [{ member: preferred, json }];
  return set
    .filter((member) => (value[member] as number) > tokens)
    .map((member) => ({ member, json }));
}
