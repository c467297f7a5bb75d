import type { ValuePath } from './finding.ts';
import { at, entriesOf, itemsOf } from './raw.ts';

/** A list of targets of a model, and where it stands in the file. */
export interface TargetPlace {
  readonly path: ValuePath;
  /** As written; what has the wrong type is left out of it. */
  readonly targets: readonly unknown[];
  /** False where a list is written but has nothing in it. */
  readonly isEmpty: boolean;
}

/** Every place of a model where targets stand: its own, those of rules, split and shadow. */
export function targetPlaces(name: string, model: unknown): readonly TargetPlace[] {
  const root = ['models', name];
  const listAt = (holder: unknown, path: ValuePath): TargetPlace[] => {
    const targets = at(holder, 'targets');
    if (targets === undefined) return [];
    const isEmpty = Array.isArray(targets) && targets.length === 0;
    return [{ path: [...path, 'targets'], targets: itemsOf(targets), isEmpty }];
  };
  return [
    ...listAt(model, root),
    ...itemsOf(at(model, 'rules')).flatMap((rule, index) =>
      listAt(rule, [...root, 'rules', index]),
    ),
    ...entriesOf(at(model, 'split')).flatMap(([variant, value]) =>
      listAt(value, [...root, 'split', variant]),
    ),
  ];
}

/** The single target that copies go to; undefined when there is none. */
export function shadowTarget(
  name: string,
  model: unknown,
): { path: ValuePath; target: unknown } | undefined {
  const target = at(at(model, 'shadow'), 'target');
  return target === undefined ? undefined : { path: ['models', name, 'shadow', 'target'], target };
}
