import { InvalidArgumentError } from 'commander';

/** One `--where dim=value`. */
export interface Condition {
  readonly dimension: string;
  readonly value: string;
}

/** For an option that may be repeated. */
export function parseCondition(text: string, before: readonly Condition[] = []): Condition[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write DIMENSION=VALUE, such as model=llama.');
  return [...before, { dimension: text.slice(0, at), value: text.slice(at + 1) }];
}
