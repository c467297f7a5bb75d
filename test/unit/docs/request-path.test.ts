import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('docs/request-path.md has a heading for every stage of the spine, in its order', () => {
  const spine = read('src/gateway/spine.ts');
  const body = spine.slice(spine.indexOf('try {'), spine.indexOf('} catch'));
  const stages = [...body.matchAll(/(?:await |= |^\s+)(\w+)\(exchange|= (route)\(model/gm)]
    .map(([, stage, route]) => stage ?? route)
    .filter((stage) => stage !== 'listModels');
  // The meter is handed the answer by forward, and settles through the exchange.
  const expected = [...stages, 'meter', 'settle'];
  const headings = [...read('docs/request-path.md').matchAll(/^## (\w+)$/gm)].map(
    (found) => found[1],
  );
  expect(headings).toEqual(expected);
  expect(stages).toHaveLength(7);
});
