import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findCertificateDays } from '../../../src/cli/doctor-certificate.ts';

const FOLDER = join(import.meta.dirname, '../../support/tls');
const cert = readFileSync(join(FOLDER, 'localhost.pem'), 'utf8');
const endMs = Date.parse(new X509Certificate(cert).validTo);
const DAY_MS = 86_400_000;

test('days until the certificate ends, also of one that nobody here trusts', async () => {
  const key = readFileSync(join(FOLDER, 'localhost.key'), 'utf8');
  const server = Bun.serve({
    port: 0,
    hostname: 'localhost',
    tls: { cert, key },
    fetch: () => new Response(),
  });
  const daysAt = (nowMs: number) => findCertificateDays('localhost', server.port ?? 0, nowMs);
  expect(await daysAt(endMs - 20.5 * DAY_MS)).toBe(20);
  expect(await daysAt(endMs + DAY_MS)).toBe(-1);
  await server.stop(true);
});

test('nothing there, or no TLS', async () => {
  const plain = Bun.serve({ port: 0, hostname: 'localhost', fetch: () => new Response() });
  expect(await findCertificateDays('localhost', plain.port ?? 0, 0)).toBeNull();
  await plain.stop(true);
  expect(await findCertificateDays('localhost', plain.port ?? 0, 0)).toBeNull();
});
