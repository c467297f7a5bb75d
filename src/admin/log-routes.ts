import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { LogOperations } from './log-operations.ts';
import { LogLevelChange, LogLevelsView } from './log-schemas.ts';
import { failures, jsonAnswer, jsonBody } from './route-parts.ts';

const path = '/admin/v1/log/levels';
const tags = ['gateway'];

const show = createRoute({
  ...{ method: 'get', path, tags },
  summary: 'How much is logged',
  responses: { 200: jsonAnswer('The levels now.', LogLevelsView), ...failures },
});

const change = createRoute({
  ...{ method: 'patch', path, tags },
  summary: 'Log more or less, until a reload or a restart',
  request: jsonBody(LogLevelChange),
  responses: { 200: jsonAnswer('The levels now.', LogLevelsView), ...failures },
});

export function addLogRoutes(app: OpenAPIHono, log: LogOperations): void {
  app.openapi(show, async (context) => context.json(await log.levels(), 200));
  app.openapi(change, async (context) =>
    context.json(await log.setLevels(context.req.valid('json')), 200),
  );
}
