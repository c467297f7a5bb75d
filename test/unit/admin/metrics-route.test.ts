import { OpenAPIHono } from '@hono/zod-openapi';
import { expect, test } from 'vitest';
import { addMetricsRoute } from '../../../src/admin/metrics-route.ts';
import { CONTENT_TYPES } from '../../../src/observe/metrics/exposition.ts';
import { createMetricsPage } from '../../../src/observe/metrics/metrics-page.ts';

test('GET /metrics answers in the format that is asked for', async () => {
  const app = new OpenAPIHono();
  addMetricsRoute(
    app,
    createMetricsPage(
      (out) => out.lines('x 1\n'),
      () => 0,
    ),
  );
  const plain = await app.request('/metrics');
  expect(plain.headers.get('content-type')).toBe(CONTENT_TYPES.text);
  expect(await plain.text()).toBe('x 1\n');
  const accept = 'application/openmetrics-text;version=1.0.0';
  const open = await app.request('/metrics', { headers: { accept } });
  expect(open.headers.get('content-type')).toBe(CONTENT_TYPES.openmetrics);
  expect(await open.text()).toBe('x 1\n# EOF\n');
});
