import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { tempDir } from './temp-store.ts';

/** An empty directory that is gone when the test that asked for it is over. */
export function testDir(): string {
  const path = tempDir();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
