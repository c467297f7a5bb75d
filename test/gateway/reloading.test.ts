import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { startDiscovery } from '../../src/app/discovery.ts';
import { watchFile } from '../../src/app/watch-file.ts';
import { createBackend } from '../../src/backends/backend.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLog } from '../../src/observe/log.ts';
import type { DiscoveredModel } from '../../src/protocols/model-discovery.ts';
import { startGateway } from '../support/start-gateway.ts';
import { startTestMock } from '../support/start-mock.ts';

afterEach(() => void vi.useRealTimers());

test('a request whose body comes across a reload is served by what the reload brought', async () => {
  await using added = await startTestMock({ models: ['added'] });
  await using gate = await startGateway();
  const body = JSON.stringify({ model: 'added', messages: [{ role: 'user', content: 'hi' }] });
  const socket = connect(Number(new URL(gate.url).port), '127.0.0.1');
  const answered = new Promise<string>((resolve) =>
    socket.once('data', (data) => resolve(`${data}`)),
  );
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gate.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
  );
  await vi.waitUntil(async () => (await gate.gateway.operations.status()).in_flight === 1);
  gate.setConfig(`  added: { type: vllm, url: "${added.url}" }`);
  await gate.gateway.operations.reload();
  socket.write(body.slice(9));
  expect(await answered).toMatch(/^HTTP\/1.1 200 /);
  socket.destroy();
});

test('a reload asks new backends at once, and old ones that answer late are not believed', async () => {
  const backend = (port: number) =>
    createBackend({
      id: 'gpu',
      type: 'vllm',
      url: `http://127.0.0.1:${port}`,
      apiKeys: [],
      headers: [],
      discover: true,
    });
  const model = (id: string) => ({ id, contextTokens: null });
  const [before, after] = [backend(1001), backend(1002)];
  const late = Promise.withResolvers<DiscoveredModel[]>();
  const discovery = startDiscovery({
    backends: [before],
    listModels: (asked) => (asked === before ? late.promise : Promise.resolve([model('new')])),
    clock: systemClock,
    log: createLog({
      level: 'error',
      levels: {},
      format: 'json',
      clock: systemClock,
      sink: { write: () => {}, flush: () => {} },
    }),
    onChange: () => {},
  });
  const firstRound = discovery.refresh();
  discovery.replaceBackends([after]);
  await discovery.refresh();
  expect(discovery.current()).toMatchObject([{ models: [{ id: 'new' }] }]);
  late.resolve([model('old')]);
  await firstRound;
  expect(discovery.current()).toMatchObject([{ models: [{ id: 'new' }] }]);
  discovery.close();
});

test('a watched file that cannot be looked at for a while is looked at again', () => {
  vi.useFakeTimers();
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-watch-'));
  const path = join(folder, 'llmgate.yaml');
  writeFileSync(path, 'a: 1\n');
  const changed = vi.fn();
  const stop = watchFile(path, changed);
  rmSync(path);
  symlinkSync('llmgate.yaml', path);
  vi.advanceTimersByTime(2_000);
  expect(changed).not.toHaveBeenCalled();
  rmSync(path);
  writeFileSync(path, 'a: 22\n');
  vi.advanceTimersByTime(2_000);
  expect(changed).toHaveBeenCalledOnce();
  stop();
  rmSync(folder, { recursive: true });
});
