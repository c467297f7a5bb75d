import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findLocalEngines, type Probe } from '../../../src/backends/local-engines.ts';
import { openLocalProbe } from '../../../src/backends/local-probe.ts';
import { systemClock } from '../../../src/core/clock.ts';

type Pages = Readonly<Record<string, unknown>>;

const list = (ownedBy: string, ...ids: string[]) => ({
  object: 'list',
  data: ids.map((id) => ({ id, object: 'model', owned_by: ownedBy })),
});

const engines: [name: string, pages: Pages, type: string | null, models: string[]][] = [
  ['vLLM', { '/v1/models': list('vllm', 'org/llama') }, 'vllm', ['org/llama']],
  ['SGLang', { '/v1/models': list('sglang', 'a', 'b') }, 'sglang', ['a', 'b']],
  ['llama.cpp', { '/v1/models': list('llamacpp', 'a.gguf') }, 'llamacpp', ['a.gguf']],
  ['TensorRT-LLM', { '/v1/models': list('tensorrt_llm', 'a') }, 'trtllm', ['a']],
  [
    'Ollama',
    { '/v1/models': list('library', 'llama3:8b'), '/api/version': { version: '0.9.0' } },
    'ollama',
    ['llama3:8b'],
  ],
  [
    'Ollama without a model',
    { '/v1/models': { object: 'list', data: null }, '/api/version': { version: '0.9.0' } },
    'ollama',
    [],
  ],
  [
    'TGI',
    {
      '/v1/models': list('org/model', 'org/model'),
      '/info': { model_id: 'org/model', version: '3.3.0' },
    },
    'tgi',
    ['org/model'],
  ],
  ['an old TGI', { '/info': { model_id: 'org/model', version: '1.4.0' } }, 'tgi', []],
  [
    'llama.cpp that signs with another name',
    { '/v1/models': list('me', 'a'), '/props': { default_generation_settings: {} } },
    'llamacpp',
    ['a'],
  ],
  ['LM Studio', { '/v1/models': list('organization_owner', 'q') }, 'openai_compatible', ['q']],
  ['a web server', { '/': {} }, null, []],
  ['a web server with a version', { '/info': { version: '1' } }, null, []],
  ['a page for everything', { '*': '<!doctype html>' }, null, []],
  ['a list of something else', { '/v1/models': { data: 'none' } }, null, []],
];

function answer(pages: Pages, path: string): Response {
  const page = pages[path] ?? pages['*'];
  if (page === undefined) return new Response('not found', { status: 404 });
  return typeof page === 'string' ? new Response(page) : Response.json(page);
}

async function findAt(port: number) {
  const local = openLocalProbe(systemClock);
  try {
    return await findLocalEngines({ probe: local.probe, ports: [port] });
  } finally {
    local.close();
  }
}

describe('by what it answers on a real socket', () => {
  test.each(engines)('%s', async (_, pages, type, modelIds) => {
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: (request) => answer(pages, new URL(request.url).pathname),
    });
    try {
      const url = `http://127.0.0.1:${server.port}`;
      const expected = type === null ? [] : [{ type, url, modelIds }];
      expect(await findAt(server.port ?? 0)).toEqual(expected);
    } finally {
      await server.stop(true);
    }
  });
});

describe('never taken for an engine', () => {
  const others: [name: string, fetch: (request: Request) => Response | Promise<Response>][] = [
    [
      'what asks for a key, as llmgate does',
      ({ url }) =>
        new URL(url).pathname === '/v1/models'
          ? new Response('{}', { status: 401 })
          : Response.json({ version: '1', model_id: 'a' }),
    ],
    [
      'llmgate: its mark',
      () => Response.json(list('vllm', 'a'), { headers: { 'x-llmgate-error': 'route_not_found' } }),
    ],
    [
      'what redirects elsewhere',
      () => new Response(null, { status: 302, headers: { location: '/elsewhere' } }),
    ],
    ['what never answers', () => new Promise(() => {})],
    ['what answers without end', () => new Response('x'.repeat(2_000_000))],
  ];

  test.each(others)('%s', async (_, fetch) => {
    let asked = 0;
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch(request) {
        asked += 1;
        return fetch(request);
      },
    });
    try {
      expect(await findAt(server.port ?? 0)).toEqual([]);
      expect(asked).toBeGreaterThan(0);
    } finally {
      await server.stop(true);
    }
  });

  let garbage: Bun.TCPSocketListener<undefined>;
  beforeAll(() => {
    garbage = Bun.listen<undefined>({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: (socket) => void socket.end('SSH-2.0-OpenSSH\r\n') },
    });
  });
  afterAll(() => garbage.stop(true));

  test('what does not speak HTTP', async () => {
    expect(await findAt(garbage.port)).toEqual([]);
  });

  test('a closed port', async () => {
    const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    const port = server.port ?? 0;
    await server.stop(true);
    expect(await findAt(port)).toEqual([]);
  });
});

test('asks every usual port at once, on this machine alone, with a short deadline', async () => {
  const asked: string[] = [];
  let waiting: (() => void)[] = [];
  const probe: Probe = (url, path, deadlineMs) => {
    asked.push(`${url}${path} ${deadlineMs}`);
    return new Promise((resolve) => waiting.push(() => resolve(null)));
  };
  const found = findLocalEngines({ probe });
  expect(asked.toSorted()).toEqual(
    [11434, 1234, 3000, 30000, 8000, 8080]
      .map((port) => `http://127.0.0.1:${port}/v1/models 300`)
      .toSorted(),
  );
  for (const release of waiting.splice(0)) release();
  expect(await found).toEqual([]);
  waiting = [];
});
