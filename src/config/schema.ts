import * as z from 'zod';
import { ENDPOINTS } from '../core/call.ts';
import { LIMIT_SCOPES } from '../limits/rule.ts';
import { BACKEND_TYPES } from './config.ts';
import { Alerts, Audit, Budget, Usage } from './schema-books.ts';
import { Model } from './schema-models.ts';
import { Address, BackendUrl, BodySize, RateText, Secret, Text, Timeout } from './schema-values.ts';

/**
 * What may be written in the file. The descriptions are the public reference: docs/config.md and
 * the JSON Schema for editors are generated from them. Nothing is transformed here, so the schema
 * describes the text; `resolve.ts` turns it into the `Config` that the rest of the program uses.
 * Rules over more than one key are in the check-*.ts files.
 */

/** The default of `url` for backends of type `openai`. */
export const OPENAI_URL = 'https://api.openai.com';

const Tls = z.strictObject({
  cert_file: Text.meta({
    description: 'PEM file with the certificate chain, relative to the folder of this file.',
  }),
  key_file: Text.meta({
    description: 'PEM file with the private key, not readable by other users.',
  }),
});

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

const Backend = z.strictObject({
  type: z.enum(BACKEND_TYPES).meta({
    description:
      'What runs there: it decides how models are discovered and how usage is reported; required.',
  }),
  url: BackendUrl.optional().meta({
    description: `Base URL, with or without a trailing /v1; required except for type openai, where it defaults to ${OPENAI_URL}.`,
  }),
  api_key: Secret.optional().meta({
    description:
      'Secret sent to the backend, only as ${env:NAME} or ${file:/path}; required for type openai, otherwise none.',
    examples: ['${env:OPENAI_API_KEY}', '${file:/run/secrets/openai}'],
  }),
  headers: z.record(z.string(), z.string()).default({}).meta({
    description:
      'Extra headers sent with every request to the backend; secrets in values as ${env:NAME} or ${file:/path}; none by default.',
  }),
  discover: z.boolean().default(true).meta({
    description:
      'Ask the backend which models it serves and offer them under their own names; default true.',
  }),
});

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

const Log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({
    description: 'Least important lines that are written; default info.',
  }),
  format: z.enum(['json', 'text']).default('json').meta({
    description: 'One JSON object per line, or text for people; default json.',
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
  alerts: Alerts.prefault({}).meta({ description: 'Who is told of budgets that run out.' }),
  log: Log.prefault({}).meta({ description: 'What is logged, on standard error.' }),
});

export type ConfigFile = z.output<typeof ConfigFile>;
