import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { addAuditRoutes } from './audit-routes.ts';
import { addBackupRoutes } from './backup-routes.ts';
import { addBooksRoutes } from './books-routes.ts';
import { addBudgetRoutes } from './budget-routes.ts';
import { addContentRoutes } from './content-routes.ts';
import { addExplainRoutes } from './explain-routes.ts';
import { addGatewayRoutes } from './gateway-routes.ts';
import { addHoldRoutes } from './hold-routes.ts';
import { addKeyRoutes } from './key-routes.ts';
import { addLiveRoutes } from './live-routes.ts';
import { toOperationError } from './local-operations.ts';
import { addLogRoutes } from './log-routes.ts';
import { addMetricsRoute, type RenderMetrics } from './metrics-route.ts';
import { OPERATION_ERRORS, OperationError } from './operation-error.ts';
import type { Operations } from './operations.ts';
import { renderIssues } from './parse-input.ts';

/** A key with every field full is under 100 KB; nothing an operator sends is larger. */
const BODY_BYTES_MAX = 256 * 1024;

export interface AdminAppOptions {
  readonly operations: Operations;
  /** Version of llmgate, for the OpenAPI document. */
  readonly version: string;
  /** What `GET /metrics` answers; without it there is no such path. */
  readonly metrics?: RenderMetrics;
  /** Told of every failure that is a bug or a broken store, with its cause. */
  readonly onFailure: (failure: OperationError) => void;
}

/** The admin API: each route checks its input, calls one operation and sends its document. */
export function createAdminApp(options: AdminAppOptions): OpenAPIHono {
  const { operations, version, metrics, onFailure } = options;
  const app = new OpenAPIHono({
    // Thrown, so that input refused here and by an operation gets its answer in one place.
    defaultHook: (result) => {
      if (!result.success) throw new OperationError('invalid', renderIssues(result.error.issues));
    },
  });
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => {
        throw new OperationError('too_large', `the body is over ${BODY_BYTES_MAX} bytes`);
      },
    }),
  );
  addKeyRoutes(app, operations.keys);
  addBooksRoutes(app, operations);
  addBackupRoutes(app, operations.backups);
  addBudgetRoutes(app, operations.budgets);
  addContentRoutes(app, operations.content);
  addHoldRoutes(app, operations.holds);
  addGatewayRoutes(app, operations);
  addLiveRoutes(app, operations);
  addLogRoutes(app, operations.log);
  addAuditRoutes(app, operations);
  addExplainRoutes(app, operations);
  if (metrics !== undefined) addMetricsRoute(app, metrics);
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'llmgate admin API',
      version,
      description:
        'Served on `<data_dir>/admin.sock`, where the permission of that file is the login, and on ' +
        '`admin.listen` for those who send a key of `admin.keys` as a bearer token.',
    },
  });
  app.notFound((context) =>
    sendError(
      new OperationError('not_found', `there is no ${context.req.method} ${context.req.path}`),
    ),
  );
  app.onError((cause) => {
    const error = fromThrown(cause);
    if (OPERATION_ERRORS[error.code].status >= 500 && error.code !== 'not_running') {
      onFailure(error);
    }
    return sendError(error);
  });
  return app;
}

function fromThrown(cause: unknown): OperationError {
  if (cause instanceof HTTPException && cause.status < 500) {
    return new OperationError('invalid', `the body cannot be used: ${cause.message}`);
  }
  return toOperationError(cause);
}

function sendError({ code, message }: OperationError): Response {
  return Response.json({ error: { code, message } }, { status: OPERATION_ERRORS[code].status });
}
