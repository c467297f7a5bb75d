import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The compiled llmgate under test. `scripts/test` builds it first and names it. */
export function llmgateBinary(): string {
  const binary =
    process.env['LLMGATE_TEST_BINARY'] ?? resolve(import.meta.dirname, '../../dist/llmgate');
  if (existsSync(binary)) return binary;
  throw new Error(`${binary} does not exist; run scripts/build`);
}
