/** `llmgate serve` in which SIGUSR2 is two bugs: one that throws, and one that nobody awaits. */
process.on('SIGUSR2', () => {
  queueMicrotask(() => {
    throw new Error('a bug that throws, sk-lg-canarycanary-secret');
  });
  void Promise.reject(new Error('a bug that nobody awaits'));
});

await import('../../src/main.ts');

export {};
