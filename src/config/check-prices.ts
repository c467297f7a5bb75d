import type { Finding, ValuePath } from './finding.ts';
import { at, entriesOf, isMap, itemsOf, numberAt } from './raw.ts';
import { targetPlaces } from './target-places.ts';

/** Rates that follow input or output when they are not written. */
const PARTS = [
  ...['cached_input', 'cache_write', 'audio_input', 'image_input'],
  ...['reasoning', 'audio_output', 'image_output'],
];

/** Rules of prices, of models and of their targets, that the shape of one value cannot express. */
export function checkPrices(file: unknown): Finding[] {
  return entriesOf(at(file, 'models')).flatMap(([name, model]) => [
    ...checkPrice(at(model, 'price'), ['models', name, 'price']),
    ...targetPlaces(name, model).flatMap(({ path, targets }) =>
      targets.flatMap((target, index) =>
        checkPrice(at(target, 'price'), [...path, index, 'price']),
      ),
    ),
    ...checkPrice(at(at(at(model, 'shadow'), 'target'), 'price'), [
      ...['models', name, 'shadow', 'target', 'price'],
    ]),
  ]);
}

function checkPrice(price: unknown, path: ValuePath): Finding[] {
  if (!isMap(price)) return [];
  const findings: Finding[] = [];
  const isOfTime = Object.hasOwn(price, 'gpu_hour');
  for (const key of isOfTime ? [] : ['input', 'output']) {
    if (Object.hasOwn(price, key)) continue;
    const message = 'required without gpu_hour, but missing';
    findings.push({ path: [...path, key], message, isMissing: true });
  }
  if (!isOfTime && Object.hasOwn(price, 'gpus')) {
    const message = 'counts the GPUs of gpu_hour, which is not here';
    findings.push({ path: [...path, 'gpus'], at: 'key', message });
  }
  return [...findings, ...checkTiers(price, path)];
}

function checkTiers(price: unknown, path: ValuePath): Finding[] {
  const findings: Finding[] = [];
  let highest = 0;
  for (const [index, tier] of itemsOf(at(price, 'tiers')).entries()) {
    if (!isMap(tier)) continue;
    const tierPath = [...path, 'tiers', index];
    const above = numberAt(tier, 'above');
    if (above !== undefined && above <= highest) {
      const message = `must be more than the ${highest} of the tier before it`;
      findings.push({ path: [...tierPath, 'above'], message });
    }
    highest = Math.max(highest, above ?? 0);
    // Whether it stays as it is or follows the tier's own input, somebody would be surprised.
    for (const part of PARTS) {
      if (!Object.hasOwn(price as object, part) || Object.hasOwn(tier, part)) continue;
      const message = `the price has one of its own, so the tier needs one too`;
      findings.push({ path: [...tierPath, part], message, isMissing: true });
    }
  }
  return findings;
}
