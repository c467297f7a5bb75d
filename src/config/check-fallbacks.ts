import { FALLBACK_CAUSES, type FallbackCause } from '../routing/fallback-cause.ts';
import { MOST_FALLBACKS } from '../routing/model-table.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, entriesOf, isMap, itemsOf } from './raw.ts';
import { duplicates } from './repeated.ts';
import { unknownName } from './unknown-name.ts';

/** One model named as a fallback of another. */
interface Step {
  readonly to: string;
  readonly path: ValuePath;
}

/** For one cause: what each model falls back to. */
type Steps = ReadonlyMap<string, readonly Step[]>;

/** Whether fallbacks lead somewhere, and never round in a circle. */
export function checkFallbacks(file: unknown): Finding[] {
  const models = entriesOf(at(file, 'models'));
  const owners = new Map<string, string>();
  for (const [name, model] of models) {
    for (const alias of itemsOf(at(model, 'aliases'))) owners.set(String(alias), name);
  }
  for (const [name] of models) owners.set(name, name);
  return [
    ...models.flatMap(([name, model]) =>
      checkLists(at(model, 'fallback'), ['models', name, 'fallback']),
    ),
    ...checkNames(file, models, owners),
    ...FALLBACK_CAUSES.flatMap((cause) => {
      const steps = stepsOf(models, owners, cause);
      return [...findLoops(steps), ...findTooMany(steps)];
    }),
  ];
}

function checkLists(fallback: unknown, path: ValuePath): Finding[] {
  if (!isMap(fallback)) return duplicates(fallback, path);
  return entriesOf(fallback).flatMap(([cause, names]) => duplicates(names, [...path, cause]));
}

/** With discovery a name that the file does not know may still appear; that is advice. */
function checkNames(
  file: unknown,
  models: readonly [string, unknown][],
  owners: ReadonlyMap<string, string>,
): Finding[] {
  const isDiscovering = entriesOf(at(file, 'backends')).some(
    ([, backend]) => at(backend, 'discover') !== false,
  );
  if (isDiscovering) return [];
  const known = [...owners.keys()];
  return models.flatMap(([name, model]) =>
    namesIn(at(model, 'fallback'), ['models', name, 'fallback'])
      .filter(({ to }) => !owners.has(to))
      .map(({ to, path }) => unknownName('model', to, path, known)),
  );
}

/** Every name in a fallback, of one cause or of all of them. */
function namesIn(fallback: unknown, path: ValuePath, cause?: FallbackCause): Step[] {
  const listed = (names: unknown, listPath: ValuePath): Step[] =>
    itemsOf(names).flatMap((to, index) =>
      typeof to === 'string' && to !== '' ? [{ to, path: [...listPath, index] }] : [],
    );
  if (Array.isArray(fallback)) {
    const counts = cause === undefined || cause === 'unavailable' || cause === 'rate_limited';
    return counts ? listed(fallback, path) : [];
  }
  return entriesOf(fallback)
    .filter(([key]) => cause === undefined || key === cause)
    .flatMap(([key, names]) => listed(names, [...path, key]));
}

function stepsOf(
  models: readonly [string, unknown][],
  owners: ReadonlyMap<string, string>,
  cause: FallbackCause,
): Steps {
  return new Map(
    models.map(([name, model]) => [
      name,
      namesIn(at(model, 'fallback'), ['models', name, 'fallback'], cause).flatMap(
        ({ to, path }) => {
          const owner = owners.get(to);
          return owner === undefined ? [] : [{ to: owner, path }];
        },
      ),
    ]),
  );
}

/**
 * Each loop once, at the step that closes it. A model is looked at once: whatever leads into a loop
 * that was told is not told again. The way is a list of its own, so that a long chain of models
 * needs no deep stack.
 */
function findLoops(steps: Steps): Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  for (const start of steps.keys()) {
    const way = [{ name: start, next: 0 }];
    const onWay = new Map([[start, 0]]);
    for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
      const step = steps.get(here.name)?.[here.next];
      here.next += 1;
      if (step === undefined || done.has(here.name)) {
        done.add(here.name);
        onWay.delete(here.name);
        way.pop();
        continue;
      }
      const from = onWay.get(step.to);
      if (from !== undefined) {
        const loop = [...way.slice(from).map(({ name }) => name), step.to];
        findings.push({ path: step.path, message: sayLoop(loop) });
      } else if (!done.has(step.to)) {
        onWay.set(step.to, way.length);
        way.push({ name: step.to, next: 0 });
      }
    }
  }
  return findings;
}

/** The first model that more stand in for than are ever tried. */
function findTooMany(steps: Steps): Finding[] {
  for (const [start, own] of steps) {
    const reached = new Set<string>([start]);
    const toVisit = own.slice();
    for (let step = toVisit.pop(); step !== undefined; step = toVisit.pop()) {
      if (reached.has(step.to)) continue;
      reached.add(step.to);
      if (reached.size - 1 > MOST_FALLBACKS) {
        const message = `leads to more than ${MOST_FALLBACKS} models, those of each other included`;
        return [{ path: ['models', start, 'fallback'], at: 'key', message }];
      }
      for (const next of steps.get(step.to) ?? []) toVisit.push(next);
    }
  }
  return [];
}

/** Names in a message; a longer loop is shortened in the middle. */
const MOST_TOLD = 12;

function sayLoop(loop: readonly string[]): string {
  const half = MOST_TOLD / 2;
  const told =
    loop.length <= MOST_TOLD ? loop : [...loop.slice(0, half), '…', ...loop.slice(-half)];
  if (loop.length === 2) return 'a model cannot fall back to itself';
  return `these fallbacks go round in a circle: ${told.join(' → ')}`;
}
