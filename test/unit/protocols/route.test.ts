import { expect, test } from 'vitest';
import { ENDPOINTS } from '../../../src/core/call.ts';
import { findRoute, ROUTES } from '../../../src/protocols/route.ts';

test('every route is found by its own path and by no other method', () => {
  for (const route of ROUTES) {
    if (route.path.includes('{')) continue;
    expect(findRoute(route.method, route.path)).toEqual({ route });
    for (const method of ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'post', '']) {
      if (method !== route.method) expect(findRoute(method, route.path)).toBe('wrong_method');
    }
  }
});

test('every endpoint that a key can be limited to has a route', () => {
  expect(new Set(ROUTES.map((route) => route.endpoint))).toEqual(new Set(ENDPOINTS));
});

test('Anthropic callers get Anthropic errors', () => {
  const dialects = ROUTES.filter((route) => route.dialect === 'anthropic').map(
    (route) => route.path,
  );
  expect(dialects).toEqual(['/v1/messages', '/v1/messages/count_tokens']);
});

test.each([
  '/',
  '',
  '/v1',
  '/v1/chat/completions/',
  '/v1/chat/completions.',
  '/v1//chat/completions',
  '//v1/chat/completions',
  '/v1/./chat/completions',
  '/v1/../v1/chat/completions',
  '/v1/chat%2fcompletions',
  '/v1/chat%2Fcompletions',
  '/v1/chat/completions;x=1',
  '/v1/chat/completions%00',
  '/V1/chat/completions',
  '/v1/Chat/Completions',
  '/v1/chat/completions ',
  '/v1/models/',
  '/v1/models/{model}x'.slice(0, 11),
  '/v1/files',
  '/admin/v1/keys',
  'constructor',
  '__proto__',
])('unknown: %j', (path) => {
  expect(findRoute('POST', path)).toBe('unknown');
  expect(findRoute('GET', path)).toBe('unknown');
});

test.each([
  ['/v1/models/tiny', 'tiny'],
  ['/v1/models/meta-llama/Llama-3', 'meta-llama/Llama-3'],
  ['/v1/models/meta-llama%2FLlama-3', 'meta-llama/Llama-3'],
  ['/v1/models/a%20b', 'a b'],
  ['/v1/models/50%', '50%'],
  ['/v1/models/../x', '../x'],
  ['/v1/models/{model}', '{model}'],
])('one model: %s', (path, modelId) => {
  expect(findRoute('GET', path)).toMatchObject({ modelId, route: { endpoint: 'models' } });
  expect(findRoute('DELETE', path)).toBe('wrong_method');
});
