import type { ValuePath } from './finding.ts';

/** What the file takes a reference for. */
export interface SecretPlace {
  /** True when nothing may stand beside the reference. */
  readonly isWhole: boolean;
  /** `line` is sent in a header or compared as text; `lines` is a document such as a PEM. */
  readonly form: 'line' | 'lines';
}

const LINE: SecretPlace = { isWhole: true, form: 'line' };

const INSIDE: SecretPlace = { isWhole: false, form: 'line' };

/** `*` is any one step. */
const PLACES: readonly (readonly [path: ValuePath, place: SecretPlace])[] = [
  [['backends', '*', 'api_key'], LINE],
  [['backends', '*', 'api_key', '*'], LINE],
  [['backends', '*', 'headers', '*'], INSIDE],
  [['backends', '*', 'process', 'env', '*'], INSIDE],
  [['admin', 'keys', '*', 'key'], LINE],
  [['traces', 'headers', '*'], INSIDE],
  [['audit', 'content_key'], LINE],
  [['audit', 'previous_content_keys', '*'], LINE],
  [['audit', 'signing_key'], { isWhole: true, form: 'lines' }],
  [['audit', 'export', '*', 'access_key_id'], LINE],
  [['audit', 'export', '*', 'secret_access_key'], LINE],
  [['audit', 'export', '*', 'secret'], LINE],
  [['alerts', 'webhook', 'secret'], LINE],
  [['scale', '*', '*', 'webhook', 'secret'], LINE],
];

/** Whether a secret belongs at a path, and which kind; undefined where no reference works. */
export function findSecretPlace(path: ValuePath): SecretPlace | undefined {
  const found = PLACES.find(
    ([steps]) =>
      steps.length === path.length &&
      steps.every((step, index) => step === '*' || step === path[index]),
  );
  return found?.[1];
}
