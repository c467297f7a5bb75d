import { z } from 'zod';
import { ACTOR_HEADER } from './actor.ts';
import { BackupView } from './backup-schemas.ts';
import { LedgerCheckView, LedgerRebuildView, UsageDocument } from './books-schemas.ts';
import { ContentView, EraseResult } from './content-schemas.ts';
import { explainSilence, type GatewayConnection, toFetch } from './gateway-connection.ts';
import { BackendView, GatewayStatus, ModelView, ReloadResult } from './gateway-schemas.ts';
import { IssuedKey, KeyPage, KeyView } from './key-schemas.ts';
import { isOperationErrorCode, OperationError } from './operation-error.ts';
import type { KeyOperations, Operations } from './operations.ts';
import { createRemoteAudit } from './remote-audit.ts';
import { createRemoteBudgets } from './remote-budgets.ts';
import { createRemoteExplain } from './remote-explain.ts';
import { createRemoteHolds } from './remote-holds.ts';
import { createRemoteLive } from './remote-live.ts';
import { createRemoteLog } from './remote-log.ts';

/** Without it a wedged gateway would hang the shell. */
const TIMEOUT_MS = 10 * 60_000;

/** Long enough to read 100 M rows. */
const READ_ALL_TIMEOUT_MS = 60 * 60_000;

interface AdminRequest<T> {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: unknown;
  readonly answer: z.ZodType<T>;
  /** Statuses besides 2xx whose body is the answer and not an error. */
  readonly alsoAnswers?: readonly number[];
  readonly timeoutMs?: number;
}

export type Send = <T>(request: AdminRequest<T>) => Promise<T>;

export interface RemoteOptions {
  readonly signal?: AbortSignal;
  /** Who asks, as the audit trail is to have it: a claim. */
  readonly actor?: string;
}

/** The operations of the gateway at the other end. */
export function createRemoteOperations(
  connection: GatewayConnection,
  options: RemoteOptions = {},
): Operations {
  const send: Send = (request) => sendTo(connection, request, options);
  return {
    keys: createRemoteKeys(send),
    audit: createRemoteAudit(send),
    budgets: createRemoteBudgets(send),
    backups: {
      create: (body) =>
        send({
          ...{ method: 'POST', path: '/backups', body, answer: BackupView },
          timeoutMs: READ_ALL_TIMEOUT_MS,
        }),
    },
    holds: createRemoteHolds(send),
    explain: createRemoteExplain(send),
    log: createRemoteLog(send),
    ...createRemoteLive(send),
    content: {
      show: (requestId) =>
        send({
          method: 'GET',
          path: `/content/${encodeURIComponent(requestId)}`,
          answer: ContentView,
        }),
      erase: (body) => send({ method: 'POST', path: '/content/erase', body, answer: EraseResult }),
    },
    usage: ({ by, since, until, where }) => {
      const query = new URLSearchParams({ by: by.join(','), since, until });
      for (const { dimension, value } of where) query.append('where', `${dimension}=${value}`);
      return send({ method: 'GET', path: `/usage?${query}`, answer: UsageDocument });
    },
    checkLedger: () =>
      send({
        method: 'GET',
        path: '/ledger/check',
        answer: LedgerCheckView,
        timeoutMs: READ_ALL_TIMEOUT_MS,
      }),
    rebuildLedger: () =>
      send({
        method: 'POST',
        path: '/ledger/rebuild',
        answer: LedgerRebuildView,
        timeoutMs: READ_ALL_TIMEOUT_MS,
      }),
    status: () => send({ method: 'GET', path: '/status', answer: GatewayStatus }),
    models: async () => {
      const answer = z.object({ models: z.array(ModelView) });
      return (await send({ method: 'GET', path: '/models', answer })).models;
    },
    backends: async () => {
      const answer = z.object({ backends: z.array(BackendView) });
      return (await send({ method: 'GET', path: '/backends', answer })).backends;
    },
    reload: () =>
      send({ method: 'POST', path: '/reload', answer: ReloadResult, alsoAnswers: [422] }),
  };
}

function createRemoteKeys(send: Send): KeyOperations {
  const keyPath = (ref: string, verb = '') => `/keys/${encodeURIComponent(ref)}${verb}`;
  const change = (ref: string, verb: string) =>
    send({ method: 'POST', path: keyPath(ref, verb), answer: KeyView });
  return {
    create: (body) => send({ method: 'POST', path: '/keys', body, answer: IssuedKey }),
    list: ({ after, limit }) => {
      const query = new URLSearchParams({ limit: String(limit) });
      if (after !== null) query.set('after', after);
      return send({ method: 'GET', path: `/keys?${query}`, answer: KeyPage });
    },
    show: (ref) => send({ method: 'GET', path: keyPath(ref), answer: KeyView }),
    update: (ref, body) => send({ method: 'PATCH', path: keyPath(ref), body, answer: KeyView }),
    rotate: (ref, body) =>
      send({ method: 'POST', path: keyPath(ref, '/rotate'), body, answer: IssuedKey }),
    suspend: (ref) => change(ref, '/suspend'),
    resume: (ref) => change(ref, '/resume'),
    revoke: (ref) => change(ref, '/revoke'),
  };
}

async function sendTo<T>(
  connection: GatewayConnection,
  request: AdminRequest<T>,
  { signal, actor = '' }: RemoteOptions,
): Promise<T> {
  const deadline = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
  let reply: Response;
  let document: unknown;
  try {
    const { url, headers, ...way } = toFetch(connection);
    reply = await fetch(`${url}/admin/v1${request.path}`, {
      ...way,
      method: request.method,
      // A pooled connection would keep the process alive after the command is done.
      keepalive: false,
      // Bun's own ends a silent connection after five minutes.
      timeout: false,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      headers: {
        ...headers,
        [ACTOR_HEADER]: encodeURIComponent(actor),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    document = await reply.json();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new OperationError('not_running', explainSilence(connection, cause), { cause });
  }
  if (reply.ok || request.alsoAnswers?.includes(reply.status) === true) {
    return parseAnswer(request.answer, document);
  }
  throw fromErrorDocument(document, reply.status);
}

function parseAnswer<T>(schema: z.ZodType<T>, document: unknown): T {
  const checked = schema.safeParse(document);
  if (checked.success) return checked.data;
  throw new OperationError(
    'internal',
    'the gateway sent an answer that this version of llmgate does not understand',
    { cause: checked.error },
  );
}

function fromErrorDocument(document: unknown, status: number): OperationError {
  const shape = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
  const checked = shape.safeParse(document);
  if (!checked.success) {
    return new OperationError('internal', `the gateway answered with HTTP ${status}`);
  }
  const { code, message } = checked.data.error;
  return new OperationError(isOperationErrorCode(code) ? code : 'internal', message);
}
