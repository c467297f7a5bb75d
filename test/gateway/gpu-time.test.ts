import { expect, test } from 'vitest';
import { startGateway } from '../support/start-gateway.ts';

/** A nano-dollar for each microsecond. */
const CONFIG = `
models:
  small: { targets: [mock], price: { gpu_hour: 0.9, gpus: 4 } }
retries: { attempts: 1 }
`;

test('requests that run together share the time of the backend, and none is billed twice', async () => {
  await using gate = await startGateway({
    config: CONFIG,
    mock: { behaviour: { ttft_ms: 60 } },
  });
  const startMs = performance.now();
  await Promise.all([gate.chat(), gate.chat(), gate.chat({ stream: true }), gate.chat()]);
  const elapsedUs = (performance.now() - startMs) * 1_000;

  const rows = gate.rows();
  const gpuUs = rows.map((row) => Number(row['gpu_us']));
  const sumUs = gpuUs.reduce((sum, us) => sum + us, 0);
  expect(sumUs).toBeGreaterThan(55_000);
  expect(sumUs).toBeLessThanOrEqual(elapsedUs);
  expect(Math.max(...gpuUs)).toBeLessThan(elapsedUs / 2);
  expect(rows.map((row) => row['cost_nano_usd'])).toEqual(gpuUs);
});

test('a request that is refused pays for no time', async () => {
  await using gate = await startGateway({ config: CONFIG });
  gate.mock.script({ fault: { kind: 'server_error', delay_ms: 30 } });
  expect((await gate.chat()).status).toBe(502);
  expect(gate.rows()[0]).toMatchObject({ outcome: 'refused', gpu_us: 0, cost_nano_usd: 0 });
});
