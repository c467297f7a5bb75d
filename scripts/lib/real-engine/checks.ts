/** Runs checks one after another and prints one line for each. */
export class Checks {
  passed = 0;
  failed = 0;

  async run(name: string, check: () => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    try {
      await check();
      this.passed += 1;
      process.stdout.write(`  ok  ${name} (${Math.round(performance.now() - startedAt)} ms)\n`);
    } catch (cause) {
      this.failed += 1;
      const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      process.stdout.write(` FAIL ${name}\n${detail}\n`);
    }
  }

  report(): void {
    process.stdout.write(`${this.passed} passed, ${this.failed} failed\n`);
  }
}

export function expect(isTrue: unknown, what: string): asserts isTrue {
  if (!isTrue) throw new Error(what);
}
