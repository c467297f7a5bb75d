import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { BackendView, GatewayStatus, ModelView, ReloadResult } from './gateway-schemas.ts';
import type { Operations } from './operations.ts';
import { failures, jsonAnswer } from './route-parts.ts';

const tags = ['gateway'];

const status = createRoute({
  method: 'get',
  path: '/admin/v1/status',
  tags,
  summary: 'What the gateway is doing',
  responses: { 200: jsonAnswer('The state now.', GatewayStatus), ...failures },
});

const models = createRoute({
  method: 'get',
  path: '/admin/v1/models',
  tags,
  summary: 'Models that callers can name',
  responses: {
    200: jsonAnswer('All models.', z.object({ models: z.array(ModelView) })),
    ...failures,
  },
});

const backends = createRoute({
  method: 'get',
  path: '/admin/v1/backends',
  tags,
  summary: 'Backends and whether they answer',
  responses: {
    200: jsonAnswer('All backends.', z.object({ backends: z.array(BackendView) })),
    ...failures,
  },
});

const reload = createRoute({
  method: 'post',
  path: '/admin/v1/reload',
  tags,
  summary: 'Read the configuration again',
  responses: {
    200: jsonAnswer('The new configuration is in use.', ReloadResult),
    422: jsonAnswer('The file has problems; the old configuration stays.', ReloadResult),
    ...failures,
  },
});

export function addGatewayRoutes(app: OpenAPIHono, operations: Operations): void {
  app.openapi(status, async (context) => context.json(await operations.status(), 200));
  app.openapi(models, async (context) => context.json({ models: await operations.models() }, 200));
  app.openapi(backends, async (context) =>
    context.json({ backends: await operations.backends() }, 200),
  );
  app.openapi(reload, async (context) => {
    const result = await operations.reload();
    return result.ok ? context.json(result, 200) : context.json(result, 422);
  });
}
