import { expect, test } from 'vitest';
import { proveBooks } from '../support/books-proof.ts';

test('2,500 requests with faults: what a vendor bills is what is booked, to the nano-dollar', async () => {
  const proof = await proveBooks({ requests: 2_500, seed: 7 });
  expect(proof.problems, proof.report).toEqual([]);
  // Some callers leave before the gateway knows them.
  expect(proof.requests).toBeGreaterThan(2_400);
  expect(proof.exact, proof.report).toBeGreaterThan(1_500);
  expect(proof.estimated, proof.report).toBeGreaterThan(100);
});
