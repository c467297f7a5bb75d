import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  IssuedKey,
  KeyChanges,
  KeyPage,
  KeyView,
  NewKey,
  PAGE_SIZE_MAX,
  Rotation,
} from './key-schemas.ts';
import type { KeyOperations } from './operations.ts';
import { failures, jsonAnswer, jsonBody } from './route-parts.ts';

const tags = ['keys'];
const Ref = z.object({
  ref: z.string().min(1).max(128).meta({ description: 'Id of the key, or its name.' }),
});
const PageQuery = z.strictObject({
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_SIZE_MAX).default(100),
});

const list = createRoute({
  method: 'get',
  path: '/admin/v1/keys',
  tags,
  summary: 'Keys in id order, a page at a time',
  request: { query: PageQuery },
  responses: { 200: jsonAnswer('A page of keys.', KeyPage), ...failures },
});

const create = createRoute({
  method: 'post',
  path: '/admin/v1/keys',
  tags,
  summary: 'Make a key; its text is in this answer and nowhere else',
  request: jsonBody(NewKey),
  responses: { 201: jsonAnswer('The key and its text.', IssuedKey), ...failures },
});

const show = createRoute({
  method: 'get',
  path: '/admin/v1/keys/{ref}',
  tags,
  summary: 'One key',
  request: { params: Ref },
  responses: { 200: jsonAnswer('The key.', KeyView), ...failures },
});

const update = createRoute({
  method: 'patch',
  path: '/admin/v1/keys/{ref}',
  tags,
  summary: 'Change a key by a JSON merge patch',
  request: { params: Ref, ...jsonBody(KeyChanges) },
  responses: { 200: jsonAnswer('The key as it is now.', KeyView), ...failures },
});

const rotate = createRoute({
  method: 'post',
  path: '/admin/v1/keys/{ref}/rotate',
  tags,
  summary: 'A new secret for a key; the old ones end after the overlap',
  request: { params: Ref, ...jsonBody(Rotation) },
  responses: { 200: jsonAnswer('The key and its new text.', IssuedKey), ...failures },
});

const change = createRoute({
  method: 'post',
  path: '/admin/v1/keys/{ref}/{change}',
  tags,
  summary: 'Suspend, resume or (for good) revoke a key',
  request: { params: Ref.extend({ change: z.enum(['suspend', 'resume', 'revoke']) }) },
  responses: { 200: jsonAnswer('The key as it is now.', KeyView), ...failures },
});

export function addKeyRoutes(app: OpenAPIHono, keys: KeyOperations): void {
  app.openapi(list, async (context) => {
    const { after, limit } = context.req.valid('query');
    return context.json(await keys.list({ after: after ?? null, limit }), 200);
  });
  app.openapi(create, async (context) =>
    context.json(await keys.create(context.req.valid('json')), 201),
  );
  app.openapi(show, async (context) =>
    context.json(await keys.show(context.req.valid('param').ref), 200),
  );
  app.openapi(update, async (context) => {
    const { ref } = context.req.valid('param');
    return context.json(await keys.update(ref, context.req.valid('json')), 200);
  });
  app.openapi(rotate, async (context) => {
    const { ref } = context.req.valid('param');
    return context.json(await keys.rotate(ref, context.req.valid('json')), 200);
  });
  app.openapi(change, async (context) => {
    const { ref, change: verb } = context.req.valid('param');
    return context.json(await keys[verb](ref), 200);
  });
}
