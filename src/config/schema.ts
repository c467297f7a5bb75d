import * as z from 'zod';
import { ENDPOINTS } from '../core/call.ts';
import { LIMIT_SCOPES } from '../limits/rule.ts';
import { Backend } from './schema-backends.ts';
import { Alerts, Audit, Budget, Usage } from './schema-books.ts';
import { Model } from './schema-models.ts';
import { Health, Overload, Queue, Retries } from './schema-pool.ts';
import { Scale } from './schema-scale.ts';
import { Tls } from './schema-tls.ts';
import { Address, BodySize, RateText, Text, Timeout } from './schema-values.ts';
import { Admin, Log, Metrics, Traces } from './schema-watch.ts';

/**
 * What may be written in the file. The descriptions are the public reference: docs/config.md and
 * the JSON Schema for editors are generated from them. Nothing is transformed here, so the schema
 * describes the text; `resolve-config.ts` turns it into the `Config` that the rest of the program uses.
 * Rules over more than one key are in the check-*.ts files.
 */

const Listen = z.union([
  Address,
  z.strictObject({
    address: Address.meta({
      description: 'Host and port of the data plane; port 0 takes a free one.',
    }),
    tls: Tls.optional().meta({
      description: 'Serve HTTPS with this certificate; without it plain HTTP is spoken.',
    }),
  }),
]);

const Timeouts = z.strictObject({
  connect: Timeout.default('2s').meta({
    description: 'Longest wait for a connection to a backend; default 2s.',
  }),
  first_byte: Timeout.default('120s').meta({
    description: 'Longest wait for the first byte of an answer once connected; default 120s.',
  }),
  idle: Timeout.default('60s').meta({
    description: 'Longest silence inside an answer, on either side; default 60s.',
  }),
  total: Timeout.default('15m').meta({
    description: 'Longest life of a whole request; default 15m.',
  }),
});

const Limit = z.strictObject({
  per: z.enum(LIMIT_SCOPES).meta({
    description: 'What is counted separately: each key, user, model or endpoint, or all; required.',
  }),
  model: Text.optional().meta({
    description: 'Only requests for models that match, with * as wildcard; default every model.',
  }),
  endpoint: z.enum(ENDPOINTS).optional().meta({
    description: 'Only requests on this endpoint; default every endpoint.',
  }),
  requests: RateText.optional().meta({
    description: 'Requests per s, m, h or d, as in 600/m; one of the three measures of a limit.',
  }),
  tokens: RateText.optional().meta({
    description: 'Input and output tokens per s, m, h or d; one of the three measures of a limit.',
  }),
  concurrent: z.int().min(1).max(1_000_000).optional().meta({
    description: 'Requests in flight at the same time; one of the three measures of a limit.',
  }),
  burst: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional().meta({
    description:
      'Most requests or tokens at once after a quiet time; defaults to the count of the rate.',
  }),
});

export const ConfigFile = z.strictObject({
  listen: Listen.default('127.0.0.1:8080').meta({
    description: 'Address of the data plane, or a map with TLS; default 127.0.0.1:8080.',
  }),
  data_dir: Text.default('./llmgate-data').meta({
    description:
      'Folder of the database and the admin socket, relative to the folder of this file; default ./llmgate-data.',
  }),
  timezone: Text.default('UTC').meta({
    description:
      'Zone whose calendar the windows of budgets follow, by its IANA name; default UTC.',
    examples: ['Europe/Berlin'],
  }),
  durability: z.enum(['process', 'full']).default('process').meta({
    description:
      'What the books survive: process is a killed process, full is a power cut too; default process.',
  }),
  max_body: BodySize.default('32MB').meta({
    description: 'Largest request body in bytes, from 1KB to 1GB; default 32MB.',
  }),
  backends: z.record(z.string(), Backend).meta({
    minProperties: 1,
    propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' },
    description: 'The servers that answer requests, by an id of your choice; at least one.',
  }),
  models: z
    .record(z.string(), Model)
    .default({})
    .meta({
      propertyNames: { pattern: '^[!-)+\\-.-~]{1,200}$' },
      description:
        'Models by the name callers use; discovered models need no entry; none by default.',
    }),
  timeouts: Timeouts.prefault({}).meta({ description: 'Deadlines of a request.' }),
  retries: Retries.prefault({}).meta({ description: 'What is tried after a failure.' }),
  queue: Queue.prefault({}).meta({
    description: 'Who waits, and who comes first, when every backend has enough to do.',
  }),
  health: Health.prefault({}).meta({ description: 'How it is found out which backends are well.' }),
  overload: Overload.prefault({}).meta({
    description: 'Bounds of the gateway itself, beyond which requests are refused.',
  }),
  limits: z.array(Limit).default([]).meta({
    description: 'Rate and concurrency limits, all of which apply; none by default.',
  }),
  budgets: z.array(Budget).default([]).meta({
    description: 'Limits on what is spent, in USD or tokens, all of which apply; none by default.',
  }),
  unpriced_models: z.enum(['allow', 'deny']).default('allow').meta({
    description: 'Whether models without a price may be used; default allow.',
  }),
  audit: Audit.prefault({}).meta({
    description:
      'What is kept of requests and administration, for how long, and where it is copied to.',
  }),
  usage: Usage.prefault({}).meta({ description: 'What is kept of usage.' }),
  alerts: Alerts.prefault({}).meta({ description: 'Who is told of trouble, and of which.' }),
  scale: z
    .record(z.string(), Scale)
    .default({})
    .meta({
      propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' },
      description:
        'Who is told that more machines are wanted, or fewer, by a name of your choice; nobody by default.',
    }),
  admin: Admin.prefault({}).meta({
    description: 'The admin plane: commands, metrics and the dashboard.',
  }),
  metrics: Metrics.prefault({}).meta({ description: 'What /metrics of the admin plane says.' }),
  traces: Traces.optional().meta({
    description: 'Where traces are sent to with OpenTelemetry; nothing is traced by default.',
  }),
  gpu: z.enum(['auto', 'off']).default('auto').meta({
    description: 'Whether the GPUs of this machine are watched; default auto.',
  }),
  log: Log.prefault({}).meta({ description: 'What is logged, on standard error.' }),
});

export type ConfigFile = z.output<typeof ConfigFile>;
