import { defineConfig } from 'vitest/config';
import { CountReporter } from './scripts/lib/count-reporter.ts';

const CI = process.env['CI'] === 'true';
const COUNTS = process.env['LLMGATE_TEST_COUNTS'];

export default defineConfig({
  test: {
    reporters: COUNTS === undefined ? ['default'] : ['default', new CountReporter(COUNTS)],
    pool: 'forks',
    // Two cores are what a small CI machine has; more workers would only disturb timings.
    maxWorkers: 2,
    allowOnly: !CI,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    // Pure rules first: the fastest to run are the first to say what broke.
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'store',
          include: [
            'test/store/**/*.test.ts',
            'test/gateway/**/*.test.ts',
            'test/simulation/**/*.test.ts',
          ],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
