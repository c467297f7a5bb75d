import { expect, test } from 'vitest';
import { openNvmlSource } from '../../../src/gpu/nvml-source.ts';

// What the thread does with a real library is seen on a machine that has one: scripts/gpu-probe.

test.each([
  ['a library that is not there', '/nonexistent/libnvidia-ml.so.1'],
  ['a library that is no NVML', 'libc.so.6'],
])('%s is said as such, and asking again is safe', async (_, library) => {
  const source = openNvmlSource(library);
  await expect(source.read()).rejects.toThrow(`${library} cannot be used as NVML`);
  await expect(source.read()).rejects.toThrow(`${library} cannot be used as NVML`);
  source.close();
  source.close();
  await expect(source.read()).rejects.toThrow('it was closed');
});
