import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { BUDGET_SCOPES } from '../pricing/budget-rule.ts';
import { type BudgetOperations, SUBJECTS_MAX } from './budget-operations.ts';
import { BudgetChoice, BudgetList, BudgetPage, BudgetSetting, NewGrant } from './budget-schemas.ts';
import { failures, jsonAnswer, jsonBody } from './route-parts.ts';

const tags = ['budgets'];
const Target = z.object({
  target: z.string().min(1).max(256).meta({
    description:
      '`all`, `team/NAME`, `key/NAME_OR_ID`, …, percent-encoded; a name may be a pattern.',
  }),
});
const PageQuery = z.strictObject({
  per: z.enum(BUDGET_SCOPES).optional(),
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(SUBJECTS_MAX).default(100),
});
const now = { 200: jsonAnswer('The budgets of the target as they are now.', BudgetList) };

const list = createRoute({
  method: 'get',
  path: '/admin/v1/budgets',
  tags,
  summary: 'Budgets and what is left of them, a page at a time',
  request: { query: PageQuery },
  responses: { 200: jsonAnswer('A page, which may be empty.', BudgetPage), ...failures },
});

const show = createRoute({
  method: 'get',
  path: '/admin/v1/budgets/{target}',
  tags,
  summary: 'Every budget that applies to one target',
  request: { params: Target },
  responses: { ...now, ...failures },
});

const set = createRoute({
  method: 'post',
  path: '/admin/v1/budgets/{target}/set',
  tags,
  summary: 'Budgets in the place of what the file says for their window',
  request: { params: Target, ...jsonBody(BudgetSetting) },
  responses: { ...now, ...failures },
});

const remove = createRoute({
  method: 'post',
  path: '/admin/v1/budgets/{target}/remove',
  tags,
  summary: 'Take away budgets that were set: the file counts again',
  request: { params: Target, ...jsonBody(BudgetChoice) },
  responses: { ...now, ...failures },
});

const grant = createRoute({
  method: 'post',
  path: '/admin/v1/budgets/{target}/grant',
  tags,
  summary: 'More for the window that runs, or until a time',
  request: { params: Target, ...jsonBody(NewGrant) },
  responses: { ...now, ...failures },
});

const reset = createRoute({
  method: 'post',
  path: '/admin/v1/budgets/{target}/reset',
  tags,
  summary: 'Take what was spent in the windows that run out of the count',
  request: { params: Target, ...jsonBody(BudgetChoice) },
  responses: { ...now, ...failures },
});

export function addBudgetRoutes(app: OpenAPIHono, budgets: BudgetOperations): void {
  app.openapi(list, async (context) => {
    const { per = null, after = null, limit } = context.req.valid('query');
    return context.json(await budgets.list({ per, after, limit }), 200);
  });
  app.openapi(show, async (context) =>
    context.json(await budgets.show(context.req.valid('param').target), 200),
  );
  app.openapi(set, async (context) => {
    const { target } = context.req.valid('param');
    return context.json(await budgets.set(target, context.req.valid('json')), 200);
  });
  app.openapi(remove, async (context) => {
    const { target } = context.req.valid('param');
    return context.json(await budgets.remove(target, context.req.valid('json')), 200);
  });
  app.openapi(grant, async (context) => {
    const { target } = context.req.valid('param');
    return context.json(await budgets.grant(target, context.req.valid('json')), 200);
  });
  app.openapi(reset, async (context) => {
    const { target } = context.req.valid('param');
    return context.json(await budgets.reset(target, context.req.valid('json')), 200);
  });
}
