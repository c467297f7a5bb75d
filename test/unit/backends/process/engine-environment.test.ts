import { expect, test } from 'vitest';
import { engineEnvironment } from '../../../../src/backends/process/engine-environment.ts';

const own = {
  PATH: '/bin',
  HOME: '/root',
  OPENAI_API_KEY: 'sk-1',
  LLMGATE_ADMIN_KEY: 'x',
  LANG: undefined,
};

test('only harmless variables are passed on', () => {
  expect(engineEnvironment({ env: {}, gpus: [] }, own)).toEqual({ PATH: '/bin', HOME: '/root' });
});

test('the GPUs are those of nvidia-smi’s order', () => {
  expect(engineEnvironment({ env: {}, gpus: [2, 3] }, own)).toMatchObject({
    CUDA_VISIBLE_DEVICES: '2,3',
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
  });
});

test('what is configured wins', () => {
  const env = { PATH: '/opt/vllm/bin', CUDA_VISIBLE_DEVICES: 'GPU-1' };
  expect(engineEnvironment({ env, gpus: [0] }, own)).toMatchObject(env);
});

test('there is always a PATH', () => {
  expect(engineEnvironment({ env: {}, gpus: [] }, {})['PATH']).toContain('/usr/bin');
});
