import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { BackupOperations } from './backup-operations.ts';
import { BackupInput, BackupView } from './backup-schemas.ts';
import { failures, jsonAnswer, jsonBody } from './route-parts.ts';

const create = createRoute({
  method: 'post',
  path: '/admin/v1/backups',
  tags: ['books'],
  summary: 'Copy the books and captured content to a file, while all goes on',
  request: jsonBody(BackupInput),
  responses: { 200: jsonAnswer('The copy.', BackupView), ...failures },
});

export function addBackupRoutes(app: OpenAPIHono, backups: BackupOperations): void {
  app.openapi(create, async (context) =>
    context.json(await backups.create(context.req.valid('json')), 200),
  );
}
