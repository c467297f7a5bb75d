import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MetricsPage } from '../observe/metrics/metrics-page.ts';

/** The page for a scrape with this `accept` header. */
export type RenderMetrics = (accept: string | null) => MetricsPage;

/** `GET /metrics`, where Prometheus looks for it. It is no document of the admin API. */
export function addMetricsRoute(app: OpenAPIHono, render: RenderMetrics): void {
  app.get('/metrics', ({ req }) => {
    const { contentType, body } = render(req.header('accept') ?? null);
    return new Response(body, { headers: { 'content-type': contentType } });
  });
}
