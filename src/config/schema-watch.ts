import * as z from 'zod';
import { Tls } from './schema-tls.ts';
import { Address, Secret, Share, TimeoutOrOff, WebUrl } from './schema-values.ts';

const AdminKey = z.strictObject({
  key: Secret.meta({
    description:
      'What must be sent as a bearer token, at least 24 random characters, only as a reference; required.',
    examples: ['${env:ADMIN_KEY}'],
  }),
  role: z.enum(['admin', 'viewer', 'metrics']).default('viewer').meta({
    description: 'What it may do: everything, only read, or only read /metrics; default viewer.',
  }),
});

export const Admin = z.strictObject({
  listen: z
    .union([
      Address,
      z.strictObject({
        address: Address.meta({ description: 'Host and port of the admin plane.' }),
        tls: Tls.optional().meta({
          description:
            'Serve HTTPS with this certificate; required when other machines can reach the address.',
        }),
      }),
      z.null(),
    ])
    .default(null)
    .meta({
      description:
        'Address of the admin plane beside its socket in data_dir, or null; no address by default.',
      examples: ['127.0.0.1:9090'],
    }),
  keys: z.record(z.string(), AdminKey).default({}).meta({
    description:
      'Who may use the address, by the name that the audit trail shows; required with listen, none by default.',
  }),
});

export const Metrics = z.strictObject({
  names: z.enum(['llmgate', 'genai']).default('llmgate').meta({
    description:
      'Names of metrics: ours, or OpenTelemetry’s for GenAI beside them; default llmgate.',
  }),
  labels: z
    .array(z.enum(['key', 'user', 'team', 'tenant']))
    .default([])
    .meta({
      description: 'Labels of requests, tokens and cost besides the usual ones; none by default.',
      examples: [['team']],
    }),
  max_label_values: z.int().min(1).max(10_000).default(100).meta({
    description:
      'Different values that each of these labels may have; further ones become other; default 100.',
  }),
});

export const Traces = z.strictObject({
  endpoint: WebUrl.meta({
    description: 'Where traces are posted to with OTLP over HTTP; required.',
    examples: ['http://127.0.0.1:4318/v1/traces'],
  }),
  headers: z.record(z.string(), z.string()).default({}).meta({
    description:
      'Headers sent with them; secrets in values as ${env:NAME} or ${file:/path}; none by default.',
  }),
  sample: Share.default('10%').meta({
    description: 'Part of the requests that is traced, besides failed and slow ones; default 10%.',
  }),
  slow: TimeoutOrOff.default('10s').meta({
    description: 'Requests that take longer are always traced, or off; default 10s.',
  }),
});

const Level = z.enum(['debug', 'info', 'warn', 'error']);

function levelOf(what: string) {
  return Level.optional().meta({ description: `Level of ${what}; defaults to level.` });
}

/** One key for each of LOG_SUBSYSTEMS. */
const Levels = z.strictObject({
  gateway: levelOf('the way of requests'),
  backends: levelOf('health, connections and attempts'),
  store: levelOf('the books'),
  admin: levelOf('the admin plane'),
  audit: levelOf('the audit trail'),
  process: levelOf('engines that llmgate starts, their output included'),
  sinks: levelOf('exports and alerts'),
  app: levelOf('start, reload and stop'),
});

export const Log = z.strictObject({
  level: Level.default('info').meta({
    description: 'Least important lines that are written; default info.',
  }),
  levels: Levels.prefault({}).meta({
    description: 'Other levels for parts of the program.',
  }),
  format: z.enum(['json', 'text']).default('json').meta({
    description: 'One JSON object per line, or text for people; default json.',
  }),
});
