import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import type { HoldOperations } from './hold-operations.ts';
import { HoldListView, HoldOrder, HoldRelease, HoldView } from './hold-schemas.ts';
import { failures, jsonAnswer, jsonBody } from './route-parts.ts';

const tags = ['audit'];

const list = createRoute({
  method: 'get',
  path: '/admin/v1/audit/holds',
  tags,
  summary: 'Legal holds, newest first, released ones too',
  responses: { 200: jsonAnswer('All of them.', HoldListView), ...failures },
});

const place = createRoute({
  method: 'post',
  path: '/admin/v1/audit/holds',
  tags,
  summary: 'Keep what is of a subject from being purged or erased',
  request: jsonBody(HoldOrder),
  responses: { 200: jsonAnswer('The hold.', HoldView), ...failures },
});

const release = createRoute({
  method: 'post',
  path: '/admin/v1/audit/holds/{id}/release',
  tags,
  summary: 'End a legal hold',
  request: {
    params: z.strictObject({ id: z.coerce.number().int().min(1) }),
    ...jsonBody(HoldRelease),
  },
  responses: { 200: jsonAnswer('The hold.', HoldView), ...failures },
});

export function addHoldRoutes(app: OpenAPIHono, holds: HoldOperations): void {
  app.openapi(list, async (context) => context.json({ holds: await holds.list() }, 200));
  app.openapi(place, async (context) =>
    context.json(await holds.place(context.req.valid('json')), 200),
  );
  app.openapi(release, async (context) => {
    const { id } = context.req.valid('param');
    return context.json(await holds.release(id, context.req.valid('json')), 200);
  });
}
