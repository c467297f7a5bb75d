import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { DryRunInput, DryRunView } from './dry-run-schemas.ts';
import { ExplainView } from './explain-schemas.ts';
import type { Operations } from './operations.ts';
import { failures, jsonAnswer, jsonBody } from './route-parts.ts';

const tags = ['explain'];

const request = createRoute({
  method: 'get',
  path: '/admin/v1/requests/{id}/explain',
  tags,
  summary: 'How a request went',
  request: {
    params: z.strictObject({
      id: z.string().min(1).max(64).meta({ description: 'An id, or the beginning of one.' }),
    }),
  },
  responses: { 200: jsonAnswer('What is known of it.', ExplainView), ...failures },
});

const dryRun = createRoute({
  method: 'post',
  path: '/admin/v1/explain',
  tags,
  summary: 'How a request would go; nothing is taken or sent',
  request: jsonBody(DryRunInput),
  responses: { 200: jsonAnswer('What would become of it.', DryRunView), ...failures },
});

export function addExplainRoutes(app: OpenAPIHono, { explain }: Operations): void {
  app.openapi(request, async (context) =>
    context.json(await explain.request(context.req.valid('param').id), 200),
  );
  app.openapi(dryRun, async (context) =>
    context.json(await explain.dryRun(context.req.valid('json')), 200),
  );
}
