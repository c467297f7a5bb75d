import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** What stands in the spine and is no stage: the document tells of it elsewhere. */
const BESIDE = ['admit', 'listModels', 'Course', 'copyToShadow'];

test('docs/request-path.md has a heading for every stage of the spine, in its order', () => {
  const spine = read('src/gateway/spine.ts');
  const run = spine.slice(spine.indexOf('async function run('));
  const body = run.slice(run.indexOf('try {'), run.indexOf('} catch'));
  const stages = body
    .split('\n')
    // What stands inside of another call is called before it.
    .flatMap((line) =>
      [...line.matchAll(/(\w+)\(exchange\b|course\.(firstPlace)\(/g)]
        .map(([, stage = '', place]) => (place === undefined ? stage : 'queue'))
        .reverse(),
    )
    .filter((stage) => !BESIDE.includes(stage));
  // The meter is handed the answer by forward, and settles through the exchange.
  const expected = [...stages, 'meter', 'settle'];
  const headings = [...read('docs/request-path.md').matchAll(/^## (\w+)$/gm)].map(
    (found) => found[1],
  );
  expect(headings).toEqual(expected);
  expect(stages).toHaveLength(9);
});
