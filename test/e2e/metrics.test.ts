import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { monitoringQueries } from '../../scripts/lib/monitoring/monitoring-queries.ts';
import { familyOf, promqlMetrics } from '../../scripts/lib/monitoring/promql-names.ts';
import { METRIC_GROUPS } from '../../src/observe/metrics/all-metrics.ts';
import { type IssuedKey, type Served, ServeLab } from '../support/serve-lab.ts';
import { startTestMock, type TestMock } from '../support/start-mock.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let mock: TestMock;
let lab: ServeLab;
let served: Served;
let key: IssuedKey;

beforeAll(async () => {
  mock = await startTestMock({ models: ['small'] });
  lab = new ServeLab(
    [
      'backends:',
      `  gpu0: { type: vllm, url: "${mock.url}" }`,
      'models:',
      '  small: { targets: [gpu0], price: { input: 1, output: 2 } }',
      'metrics: { names: genai, labels: [team] }',
      'limits:',
      '  - { per: key, requests: 1000/m }',
    ].join('\n'),
  );
  served = await lab.serve();
  key = await lab.createKey('caller', '--team', 'research');
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
  lab[Symbol.dispose]();
  await mock.stop();
});

function scrape(accept = 'text/plain'): Promise<Response> {
  const unix = join(lab.dataDir, 'admin.sock');
  return fetch('http://gateway/metrics', { unix, headers: { accept } });
}

async function chat(fields: object): Promise<void> {
  const response = await fetch(`${served.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'small',
      messages: [{ role: 'user', content: 'Say something short.' }],
      ...fields,
    }),
  });
  await response.text();
}

function sampleOf(page: string, series: string): number | undefined {
  const line = page.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('every metric that is promised is on the page', async () => {
  const page = await (await scrape()).text();
  const types = page.split('\n').filter((line) => line.startsWith('# TYPE '));
  const promised = METRIC_GROUPS.flatMap(({ metrics }) => metrics);
  expect(types.toSorted()).toEqual(
    promised.map(({ name, kind }) => `# TYPE ${name} ${kind}`).toSorted(),
  );
});

test('no query of a dashboard or an alert names a metric that a running gateway has not', async () => {
  const page = await (await scrape()).text();
  const names = new Set(Array.from(page.matchAll(/^# TYPE (\S+)/gm), ([, name = '']) => name));
  const asked = monitoringQueries(ROOT).flatMap(({ expr }) => promqlMetrics(expr));
  const unknown = asked.map(({ name }) => familyOf(name, names)).filter((name) => !names.has(name));
  expect([...new Set(unknown)]).toEqual(['up']);
});

test('what was asked is what is counted, and no key, user or prompt is on the page', async () => {
  for (let at = 0; at < 3; at += 1) await chat({});
  await chat({ stream: true });
  await chat({ model: 'nothing-here' });
  // Polls, because a page is kept for 200 ms and another one may have been asked for just now.
  await lab.usageOf(key);
  await expect
    .poll(async () => {
      const page = await (await scrape()).text();
      return sampleOf(
        page,
        'llmgate_requests_total{endpoint="chat",model="small",outcome="served",team="research"}',
      );
    })
    .toBe(4);
  const page = await (await scrape()).text();
  const usage = await lab.usageOf(key);
  const tokens = (direction: string) =>
    sampleOf(page, `llmgate_tokens_total{direction="${direction}",model="small",team="research"}`);
  expect(tokens('input')).toBe(usage.total.input_tokens);
  expect(tokens('output')).toBe(usage.total.output_tokens);
  expect(sampleOf(page, 'llmgate_cost_usd_total{model="small",team="research"}')).toBeCloseTo(
    Number(usage.total.cost_usd),
    12,
  );
  expect(sampleOf(page, 'llmgate_errors_total{code="model_not_found"}')).toBe(1);
  expect(sampleOf(page, 'llmgate_time_to_first_token_seconds_count{model="small"}')).toBe(1);
  expect(sampleOf(page, 'llmgate_inter_token_seconds_count{model="small"}')).toBe(1);
  expect(sampleOf(page, 'llmgate_backend_attempts_total{backend="gpu0",outcome="ok"}')).toBe(4);
  expect(sampleOf(page, 'llmgate_backend_up{backend="gpu0"}')).toBe(1);
  expect(sampleOf(page, 'llmgate_connections_reused_ratio{backend="gpu0"}')).toBeGreaterThan(0);
  expect(sampleOf(page, 'llmgate_in_flight_requests')).toBe(0);
  expect(page).not.toContain(key.id);
  expect(page).not.toContain('Say something');
  expect(page).not.toContain('nothing-here');
});

test('OpenMetrics for who asks for it', async () => {
  const response = await scrape('application/openmetrics-text;version=1.0.0,text/plain;q=0.5');
  expect(response.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
  const page = await response.text();
  expect(page).toContain('\n# TYPE llmgate_requests counter\n');
  expect(page.endsWith('\n# EOF\n')).toBe(true);
});

test('scraped by fifty at once it goes on answering', async () => {
  const pages = Array.from({ length: 50 }, () => scrape());
  await chat({});
  const answers = await Promise.all(pages.map(async (page) => (await page).text()));
  expect(new Set(answers.map((page) => page.length)).size).toBeLessThan(4);
});
