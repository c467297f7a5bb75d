import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import type { ContentOperations } from './content-operations.ts';
import { ContentView, EraseOrder, EraseResult } from './content-schemas.ts';
import { failures, jsonAnswer, jsonBody } from './route-parts.ts';

const tags = ['content'];
const RequestId = z.object({
  request_id: z.string().min(1).max(64).meta({ description: 'As in `x-request-id`.' }),
});

const show = createRoute({
  method: 'get',
  path: '/admin/v1/content/{request_id}',
  tags,
  summary: 'What was captured of a request; leaves an event in the audit trail',
  request: { params: RequestId },
  responses: { 200: jsonAnswer('The content.', ContentView), ...failures },
});

const erase = createRoute({
  method: 'post',
  path: '/admin/v1/content/erase',
  tags,
  summary: 'Destroy the keys to everything that was captured of a subject, for good',
  request: jsonBody(EraseOrder),
  responses: { 200: jsonAnswer('What was destroyed.', EraseResult), ...failures },
});

export function addContentRoutes(app: OpenAPIHono, content: ContentOperations): void {
  app.openapi(show, async (context) => {
    const { request_id: requestId } = context.req.valid('param');
    return context.json(await content.show(requestId), 200);
  });
  app.openapi(erase, async (context) =>
    context.json(await content.erase(context.req.valid('json')), 200),
  );
}
