import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  AuditEntryView,
  AuditPageView,
  AuditVerificationView,
  ChainParameter,
  CheckpointView,
  PublicKeyView,
  VerifyAuditInput,
} from './audit-schemas.ts';
import type { Operations } from './operations.ts';
import { failures, jsonAnswer, jsonBody } from './route-parts.ts';

const tags = ['audit'];
const Text = z.string().max(256);
const Count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const PageParameters = z.strictObject({
  since: Text.optional().meta({ description: 'RFC 3339, inclusive.' }),
  until: Text.optional().meta({ description: 'RFC 3339, exclusive.' }),
  key: Text.optional().meta({ description: 'Id or name of a key.' }),
  action: Text.optional().meta({ description: 'Of events: `key.create`, or `key.*`.' }),
  order: z.enum(['newest', 'oldest']).default('newest'),
  after: Count.optional().meta({ description: '`next` of the page before.' }),
  limit: Count.default(100).meta({ description: 'At most 500.' }),
  purpose: z.enum(['list', 'export']).default('list').meta({
    description: 'The first page of an export is put on record.',
  }),
});

const page = createRoute({
  method: 'get',
  path: '/admin/v1/audit/rows/{chain}',
  tags,
  summary: 'Rows of a chain, in pages',
  request: { params: z.strictObject({ chain: ChainParameter }), query: PageParameters },
  responses: { 200: jsonAnswer('A page.', AuditPageView), ...failures },
});

const show = createRoute({
  method: 'get',
  path: '/admin/v1/audit/rows/{chain}/{row}',
  tags,
  summary: 'One row, by its number or the id of its request',
  request: { params: z.strictObject({ chain: ChainParameter, row: Text }) },
  responses: { 200: jsonAnswer('The row.', AuditEntryView), ...failures },
});

const verify = createRoute({
  method: 'post',
  path: '/admin/v1/audit/verify',
  tags,
  summary: 'Verify both chains',
  request: jsonBody(VerifyAuditInput),
  responses: { 200: jsonAnswer('What was found.', AuditVerificationView), ...failures },
});

const checkpoint = createRoute({
  method: 'post',
  path: '/admin/v1/audit/checkpoints',
  tags,
  summary: 'Sign where the chains end now',
  responses: { 200: jsonAnswer('The checkpoint.', CheckpointView), ...failures },
});

const publicKey = createRoute({
  method: 'get',
  path: '/admin/v1/audit/public-key',
  tags,
  summary: 'What checkpoints are verified with',
  responses: { 200: jsonAnswer('The key.', PublicKeyView), ...failures },
});

export function addAuditRoutes(app: OpenAPIHono, { audit }: Operations): void {
  app.openapi(page, async (context) => {
    const { chain } = context.req.valid('param');
    const { since, until, key, action, order, after, limit, purpose } = context.req.valid('query');
    const found = await audit.page({
      ...{ chain, order, limit, purpose },
      since: since ?? null,
      until: until ?? null,
      key: key ?? null,
      action: action ?? null,
      after: after ?? null,
    });
    return context.json(found, 200);
  });
  app.openapi(show, async (context) => {
    const { chain, row } = context.req.valid('param');
    const ref = /^\d{1,15}$/.test(row) ? { chain, seq: Number(row) } : { requestId: row };
    return context.json(await audit.show(ref), 200);
  });
  app.openapi(verify, async (context) =>
    context.json(await audit.verify(context.req.valid('json')), 200),
  );
  app.openapi(checkpoint, async (context) => context.json(await audit.checkpoint(), 200));
  app.openapi(publicKey, async (context) =>
    context.json({ public_key: await audit.publicKey() }, 200),
  );
}
