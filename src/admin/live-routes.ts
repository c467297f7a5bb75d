import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { LiveDocument } from '../observe/live-document.ts';
import { LIVE_LISTS } from '../observe/live-lists.ts';
import type { LiveOperations } from './live-operations.ts';
import { CancelResult, DrainResult } from './live-schemas.ts';
import { failures, jsonAnswer } from './route-parts.ts';

const tags = ['live'];
const Id = z.string().min(1).max(256);
const params = z.strictObject({ id: Id });

const live = createRoute({
  method: 'get',
  path: '/admin/v1/live',
  tags,
  summary: 'What is going on now',
  request: {
    query: z.strictObject({
      since: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).meta({
        description: '`seq` of the document before: finished requests and log lines after it.',
      }),
      lists: z
        .string()
        .regex(/^(?:callers|requests|,)*$/, 'write callers, requests, both or nothing')
        .default(LIVE_LISTS.join())
        .meta({ description: 'The long lists that are wanted, with commas; all when left out.' }),
    }),
  },
  responses: { 200: jsonAnswer('The state now.', LiveDocument), ...failures },
});

const drain = createRoute({
  method: 'post',
  path: '/admin/v1/backends/{id}/drain',
  tags,
  summary: 'Send a backend no new requests',
  request: { params },
  responses: { 200: jsonAnswer('It is drained.', DrainResult), ...failures },
});

const resume = createRoute({
  method: 'post',
  path: '/admin/v1/backends/{id}/resume',
  tags,
  summary: 'Send a drained backend requests again',
  request: { params },
  responses: { 200: jsonAnswer('It takes requests.', DrainResult), ...failures },
});

const cancel = createRoute({
  method: 'post',
  path: '/admin/v1/requests/{id}/cancel',
  tags,
  summary: 'End a request in flight; its caller is told by an error',
  request: { params },
  responses: { 200: jsonAnswer('It has ended.', CancelResult), ...failures },
});

export function addLiveRoutes(app: OpenAPIHono, operations: LiveOperations): void {
  app.openapi(live, async (context) => {
    const { since, lists } = context.req.valid('query');
    const wanted = LIVE_LISTS.filter((list) => lists.split(',').includes(list));
    return context.json(await operations.live(since, wanted), 200);
  });
  app.openapi(drain, async (context) =>
    context.json(await operations.drainBackend(context.req.valid('param').id), 200),
  );
  app.openapi(resume, async (context) =>
    context.json(await operations.resumeBackend(context.req.valid('param').id), 200),
  );
  app.openapi(cancel, async (context) =>
    context.json(await operations.cancelRequest(context.req.valid('param').id), 200),
  );
}
