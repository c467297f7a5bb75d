import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientLab, openClientLab } from '../../../support/client-lab.ts';
import { REAL_HTTP_SERVERS } from '../../../support/real-http-servers.ts';

let lab: ClientLab;
beforeEach(() => {
  lab = openClientLab();
});
afterEach(async () => {
  expect(await lab.close()).toEqual([]);
});

describe.each(REAL_HTTP_SERVERS)('$name', (server) => {
  test.skipIf(!server.isPresent)(
    'understands us and is understood, on kept connections',
    async () => {
      const { url, stop } = await server.start();
      const headers = [['content-type', 'application/octet-stream']] as const;
      const asked = [
        ['GET', '/fixed', null, 200, 'hello'],
        ['GET', '/stream', null, 200, 'onetwothree'],
        ['HEAD', '/fixed', null, 200, ''],
        ['GET', '/none', null, 204, ''],
        ['POST', '/echo', Buffer.alloc(10), 200, '10'],
        ['POST', '/echo', Buffer.alloc(40_000), 200, '40000'],
        ['POST', '/echo', Buffer.alloc(5_000_000), 200, '5000000'],
        ['POST', '/echo', Buffer.alloc(0), 200, '0'],
        ['GET', '/fixed', null, 200, 'hello'],
      ] as const;
      try {
        for (const [method, path, body, status, expected] of asked) {
          const { reader } = lab.send(url, { method, path, body, headers });
          const ending = await reader.ending;
          expect({ method, path, ending }).toEqual({
            method,
            path,
            ending: { kind: 'end', closeDelimited: false },
          });
          expect((await reader.head).status).toBe(status);
          expect(reader.body.toString()).toBe(expected);
        }
        const [stats] = lab.client.stats();
        expect(stats?.idle).toBe(1);
        expect(stats?.openedTotal).toBeLessThanOrEqual(server.repliesEarly === true ? 2 : 1);
      } finally {
        stop();
      }
    },
  );
});
