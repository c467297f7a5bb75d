import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AdminKey } from '../../../src/admin/admin-auth.ts';
import { createRemoteOperations } from '../../../src/admin/remote-operations.ts';
import { type AdminTcpServer, startAdminTcpServer } from '../../../src/admin/tcp-server.ts';
import { type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';

const KEYS = [
  { name: 'alice', secret: 'alice-0123456789abcdefghijkl', role: 'admin' },
  { name: 'grafana', secret: 'viewer-0123456789abcdefghijk', role: 'viewer' },
  { name: 'prometheus', secret: 'metrics-0123456789abcdefghij', role: 'metrics' },
] as const;
const [ADMIN, VIEWER, METRICS] = KEYS.map(({ secret }) => secret);

let lab: AdminLab;
let server: AdminTcpServer;
const refused: [string, string | null][] = [];
let release: Promise<void> | null = null;
let keys: readonly AdminKey[] = KEYS;

beforeEach(async () => {
  refused.length = 0;
  keys = KEYS;
  release = null;
  const reload = async () => {
    await release;
    return { ok: true, generation: 4, problems: '' };
  };
  lab = await openAdminLab({ way: 'local-unnamed', live: createFakeLiveGateway({ reload }) });
  server = start();
});

afterEach(async () => {
  await server.stop();
  await lab[Symbol.asyncDispose]();
});

function start(tls: { certFile: string; keyFile: string } | null = null): AdminTcpServer {
  return startAdminTcpServer({
    listen: { hostname: tls === null ? '127.0.0.1' : 'localhost', port: 0, tls },
    keys: () => keys,
    operations: lab.operations,
    version: '0.1.0',
    metrics: () => ({ contentType: 'text/plain', body: 'llmgate_build_info 1\n' }),
    onFailure: (failure) => lab.failures.push(failure),
    onRefused: (reason, address) => refused.push([reason, address]),
  });
}

async function ask(
  key: string | undefined,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; code: string | undefined; headers: Headers }> {
  const reply = await fetch(`${server.url}${path}`, {
    keepalive: false,
    ...init,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(init.headers as Record<string, string> | undefined),
    },
  });
  const text = await reply.text();
  const code = text.startsWith('{') ? JSON.parse(text).error?.code : undefined;
  return { status: reply.status, code, headers: reply.headers };
}

const NEW_KEY = {
  method: 'POST',
  body: JSON.stringify({ name: 'app' }),
  headers: { 'content-type': 'application/json' },
};

test.each([
  ['nothing', undefined, 'no_admin_key'],
  ['an unknown key', 'Bearer nobody-0123456789abcdefghijk', 'unknown_admin_key'],
  ['a part of a key', `Bearer ${ADMIN?.slice(0, -1)}`, 'unknown_admin_key'],
  ['another scheme', `Basic ${btoa(`alice:${ADMIN}`)}`, 'no_admin_key'],
  ['an endless key', `Bearer ${'x'.repeat(10_000)}`, 'no_admin_key'],
])('%s gets 401, the same for all, and is told of', async (_, authorization, reason) => {
  const headers = authorization === undefined ? {} : { authorization };
  for (const path of ['/admin/v1/status', '/metrics', '/openapi.json', '/nothing', '/']) {
    const reply = await fetch(server.url + path, { headers, keepalive: false });
    expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await reply.json()).toEqual({
      error: {
        code: 'unauthenticated',
        message: 'an admin key of the configuration is needed',
      },
    });
  }
  expect(refused).toEqual(Array.from({ length: 5 }, () => [reason, '127.0.0.1']));
});

test('a key is no use in another header or in the URL', async () => {
  expect(
    await ask(undefined, '/metrics', { headers: { 'x-api-key': String(ADMIN) } }),
  ).toMatchObject({
    status: 401,
  });
  expect(await ask(undefined, `/metrics?key=${ADMIN}`)).toMatchObject({ status: 401 });
});

describe('what a role may do', () => {
  test.each([
    ['admin', ADMIN, 'GET', '/admin/v1/status', 200],
    ['admin', ADMIN, 'GET', '/metrics', 200],
    ['admin', ADMIN, 'POST', '/admin/v1/reload', 200],
    ['admin', ADMIN, 'GET', '/admin/v1/content/01999999-0000-7000-8000-000000000000', 404],
    ['viewer', VIEWER, 'GET', '/admin/v1/status', 200],
    ['viewer', VIEWER, 'GET', '/metrics', 200],
    ['viewer', VIEWER, 'GET', '/openapi.json', 200],
    ['viewer', VIEWER, 'POST', '/admin/v1/reload', 403],
    // It has no body, and is refused for that.
    ['viewer', VIEWER, 'POST', '/admin/v1/explain', 400],
    ['metrics', METRICS, 'POST', '/admin/v1/explain', 403],
    ['viewer', VIEWER, 'GET', '/admin/v1/content/01999999-0000-7000-8000-000000000000', 403],
    ['viewer', VIEWER, 'GET', '/admin/v1/%63ontent/01999999-0000-7000-8000-000000000000', 403],
    ['metrics', METRICS, 'GET', '/metrics', 200],
    ['metrics', METRICS, 'GET', '/metrics?x=1', 200],
    ['metrics', METRICS, 'POST', '/metrics', 403],
    ['metrics', METRICS, 'GET', '/admin/v1/status', 403],
    ['metrics', METRICS, 'GET', '/admin/v1/status?/metrics', 403],
    ['metrics', METRICS, 'GET', '/metrics/../admin/v1/status', 403],
    ['metrics', METRICS, 'GET', '/openapi.json', 403],
  ] as const)('%s: %s %s %s', async (_, key, method, path, status) => {
    expect((await ask(key, path, { method })).status).toBe(status);
    expect(lab.failures).toEqual([]);
  });

  test('a viewer changes nothing', async () => {
    const answer = await ask(VIEWER, '/admin/v1/keys', NEW_KEY);
    expect([answer.status, answer.code]).toEqual([403, 'not_allowed']);
    expect(lab.store.keys.page(null, 10)).toEqual([]);
  });

  test.each(['/admin/v1/backups', '/admin/v1/%62ackups'])(
    'nobody writes files on the machine of the gateway: %s',
    async (path) => {
      const body = JSON.stringify({ file: join(lab.dataDir, 'copy.db') });
      const headers = { 'content-type': 'application/json' };
      const answer = await ask(ADMIN, path, { method: 'POST', body, headers });
      expect([answer.status, answer.code]).toEqual([403, 'not_allowed']);
    },
  );
});

test('the trail names the key, and not who the request says it is', async () => {
  const headers = { ...NEW_KEY.headers, 'x-llmgate-actor': 'root@localhost' };
  expect(await ask(ADMIN, '/admin/v1/keys', { ...NEW_KEY, headers })).toMatchObject({
    status: 201,
  });
  const page = await lab.operations.audit.page({
    ...{ chain: 'admin_events', since: null, until: null, key: null, action: 'key.create' },
    ...{ order: 'newest', after: null, limit: 1, purpose: 'list' },
  });
  expect(JSON.stringify(page)).toContain('"actor":"alice"');
  expect(JSON.stringify(page)).toContain('"origin":"admin tcp"');
  expect(JSON.stringify(page)).not.toContain('root@localhost');
});

test.each([
  ['a page of another site', { origin: 'https://evil.example' }],
  ['a page of a name that points here', { origin: 'http://127.0.0.1:9090' }],
  ['a sandboxed page', { origin: 'null' }],
  ['an address bar', { 'sec-fetch-mode': 'navigate' }],
])('a browser is refused even with a key: %s', async (_, headers) => {
  expect(await ask(ADMIN, '/admin/v1/status', { headers })).toMatchObject({
    status: 403,
    code: 'not_allowed',
  });
  expect(refused).toEqual([]);
});

test('keys change from one request to the next', async () => {
  expect((await ask(VIEWER, '/metrics')).status).toBe(200);
  keys = [{ name: 'new', secret: 'new-0123456789abcdefghijklmn', role: 'viewer' }];
  expect((await ask(VIEWER, '/metrics')).status).toBe(401);
  expect((await ask('new-0123456789abcdefghijklmn', '/metrics')).status).toBe(200);
});

test('bodies are bounded', async () => {
  const body = 'x'.repeat(300_000);
  expect(await ask(ADMIN, '/admin/v1/keys', { ...NEW_KEY, body })).toMatchObject({ status: 413 });
});

test('so are requests at once, and what is over them is told to come again', async () => {
  const held = Promise.withResolvers<void>();
  release = held.promise;
  const running = Array.from({ length: 64 }, () =>
    ask(ADMIN, '/admin/v1/reload', { method: 'POST' }),
  );
  // Polls: whether all 64 have arrived can be seen from the outside only.
  let answer = await ask(VIEWER, '/metrics');
  while (answer.status === 200) answer = await ask(VIEWER, '/metrics');
  expect([answer.status, answer.code, answer.headers.get('retry-after')]).toEqual([
    503,
    'unavailable',
    '1',
  ]);
  held.resolve();
  expect((await Promise.all(running)).every(({ status }) => status === 200)).toBe(true);
  expect((await ask(VIEWER, '/metrics')).status).toBe(200);
});

describe('the operations from elsewhere', () => {
  const connect = (key: string | undefined) =>
    createRemoteOperations({ url: server.url, key: String(key) });

  test('the same documents as over the socket', async () => {
    expect((await connect(VIEWER).status()).generation).toBe(3);
    const issued = await connect(ADMIN).keys.create({ name: 'app' });
    expect((await connect(VIEWER).keys.show('app')).id).toBe(issued.id);
  });

  test.each([
    ['wrong-0123456789abcdefghijkl', 'unauthenticated'],
    [METRICS, 'not_allowed'],
  ])('a key that may not: %s', async (key, code) => {
    await expect(connect(key).status()).rejects.toMatchObject({ code });
  });

  test('nobody there', async () => {
    const { url } = server;
    await server.stop();
    await expect(createRemoteOperations({ url, key: 'x' }).status()).rejects.toMatchObject({
      code: 'not_running',
      message: `no gateway answers on ${url}: nothing listens there`,
    });
    server = start();
  });

  test('a server that is no llmgate, or sends elsewhere, learns no more than it has to', async () => {
    let asked = 0;
    const other = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch(request) {
        asked += 1;
        if (request.url.endsWith('/models')) return new Response('<html>');
        return Response.redirect(`${server.url}/admin/v1/status`);
      },
    });
    const operations = createRemoteOperations({ url: other.url.origin, key: String(ADMIN) });
    await expect(operations.models()).rejects.toThrow('what answers is no llmgate');
    await expect(operations.status()).rejects.toMatchObject({ code: 'not_running' });
    expect(asked).toBe(2);
    await other.stop(true);
  });
});

test('over TLS, and only for who trusts the certificate', async () => {
  const folder = join(import.meta.dirname, '../../support/tls');
  const certFile = join(folder, 'localhost.pem');
  const secure = start({ certFile, keyFile: join(folder, 'localhost.key') });
  expect(secure.url).toMatch(/^https:\/\/localhost:\d+$/);
  const reply = await fetch(`${secure.url}/metrics`, {
    headers: { authorization: `Bearer ${METRICS}` },
    tls: { ca: readFileSync(join(folder, 'authority.pem'), 'utf8') },
    keepalive: false,
  });
  expect(await reply.text()).toBe('llmgate_build_info 1\n');
  const untrusting = createRemoteOperations({ url: secure.url, key: String(ADMIN) });
  await expect(untrusting.status()).rejects.toThrow('its certificate is not trusted here');
  await secure.stop();
});
