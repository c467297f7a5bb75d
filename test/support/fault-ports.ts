import { startMock } from '../../src/mock/mock.ts';

/** A port of loopback where nothing listens now. */
export async function freePort(): Promise<number> {
  const mock = await startMock();
  await mock.stop();
  return mock.port;
}
