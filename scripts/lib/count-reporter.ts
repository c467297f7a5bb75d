import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';
import { ROOT } from './root.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Files that have begun and not ended. */
  readonly running: readonly string[];
}

/**
 * Keeps a JSON file that says how many tests passed and failed so far, so that a run that never
 * ends still tells where it stands. What vitest does not count as a test fails too: a file that
 * does not load, a hook that throws, an error nobody caught.
 */
export class CountReporter implements Reporter {
  readonly #file: string;
  readonly #running = new Set<string>();
  #passed = 0;
  #failed = 0;

  constructor(file: string) {
    this.#file = file;
  }

  onTestModuleStart(module: TestModule): void {
    this.#running.add(relative(ROOT, module.moduleId));
    this.#write();
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(relative(ROOT, module.moduleId));
    let failedHere = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') this.#passed += 1;
      if (state === 'failed') failedHere += 1;
    }
    this.#failed += module.state() === 'failed' ? Math.max(failedHere, 1) : failedHere;
    this.#write();
  }

  onTestRunEnd(_: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.#failed += unhandled.length;
    this.#write();
  }

  #write(): void {
    const counts: Counts = {
      passed: this.#passed,
      failed: this.#failed,
      running: [...this.#running],
    };
    writeFileSync(this.#file, JSON.stringify(counts));
  }
}
