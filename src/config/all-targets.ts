import type { ModelConfig, TargetConfig } from './config.ts';

/** Every target that a model may send a request to, copies included. */
export function allTargets({
  targets,
  rules,
  variants,
  shadow,
}: ModelConfig): readonly TargetConfig[] {
  return [
    ...targets,
    ...rules.flatMap((rule) => rule.targets ?? []),
    ...variants.flatMap((variant) => variant.targets),
    ...(shadow === null ? [] : [shadow.target]),
  ];
}
