import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import type { BooksOperations } from './books-operations.ts';
import { LedgerCheckView, LedgerRebuildView, UsageDocument } from './books-schemas.ts';
import { OperationError } from './operation-error.ts';
import { failures, jsonAnswer } from './route-parts.ts';

const tags = ['books'];
const Text = z.string().max(256);

const UsageParameters = z.strictObject({
  by: z
    .string()
    .max(512)
    .default('model')
    .meta({ description: 'Dimensions between commas: key, model, tag:NAME, day, …' }),
  since: Text.meta({ description: 'RFC 3339, inclusive, rounded down to the quarter of an hour.' }),
  until: Text.meta({ description: 'RFC 3339, exclusive, rounded up to the quarter of an hour.' }),
  where: z
    .union([Text, z.array(Text).max(16)])
    .optional()
    .meta({ description: 'DIMENSION=VALUE; give it more than once to narrow further.' }),
});

const usage = createRoute({
  method: 'get',
  path: '/admin/v1/usage',
  tags,
  summary: 'Requests, tokens and money, grouped',
  request: { query: UsageParameters },
  responses: { 200: jsonAnswer('The report.', UsageDocument), ...failures },
});

const check = createRoute({
  method: 'get',
  path: '/admin/v1/ledger/check',
  tags,
  summary: 'Recompute the books from the rows and compare',
  responses: { 200: jsonAnswer('What was found.', LedgerCheckView), ...failures },
});

const rebuild = createRoute({
  method: 'post',
  path: '/admin/v1/ledger/rebuild',
  tags,
  summary: 'Put right every sum that is not what its requests make',
  responses: { 200: jsonAnswer('What was done.', LedgerRebuildView), ...failures },
});

export function addBooksRoutes(app: OpenAPIHono, operations: BooksOperations): void {
  app.openapi(usage, async (context) => {
    const { by, since, until, where } = context.req.valid('query');
    const request = {
      by: by.split(',').filter((dimension) => dimension !== ''),
      since,
      until,
      where: [where ?? []].flat().map(parseCondition),
    };
    return context.json(await operations.usage(request), 200);
  });
  app.openapi(check, async (context) => context.json(await operations.checkLedger(), 200));
  app.openapi(rebuild, async (context) => context.json(await operations.rebuildLedger(), 200));
}

function parseCondition(text: string): { dimension: string; value: string } {
  const at = text.indexOf('=');
  if (at > 0) return { dimension: text.slice(0, at), value: text.slice(at + 1) };
  throw new OperationError('invalid', `where: "${text}" is not DIMENSION=VALUE`);
}
