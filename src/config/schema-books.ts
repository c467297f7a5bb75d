import * as z from 'zod';
import { CONTENT_MODES, WINDOWS } from '../core/key.ts';
import { BUDGET_SCOPES } from '../pricing/budget-rule.ts';
import {
  BodySize,
  Interval,
  Percentage,
  Retention,
  Secret,
  ShareOrOff,
  SizeOrOff,
  SumsRetention,
  SyslogAddress,
  Text,
  TimeoutOrOff,
  WebUrl,
} from './schema-values.ts';

export const Budget = z.strictObject({
  per: z.enum(BUDGET_SCOPES).meta({
    description:
      'One purse for each key, user, team, tenant or model, or one for all together; required.',
  }),
  name: Text.optional().meta({
    description:
      'Only the keys (by id), users, teams, tenants or models of this name, with * as wildcard; default every one.',
    examples: ['research*'],
  }),
  usd: z
    .number()
    .min(0)
    .max(9_000_000)
    .optional()
    .meta({
      description:
        'US dollars that may be spent in one window; one of the two measures of a budget.',
      examples: [1000],
    }),
  tokens: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({
      description:
        'Input and output tokens that may be used in one window; one of the two measures of a budget.',
      examples: [5_000_000],
    }),
  window: z.enum(WINDOWS).meta({
    description:
      'Calendar window in the zone of timezone after which the purse is full again, or total for never; required.',
  }),
  alert_at: z
    .array(Percentage)
    .default([])
    .meta({
      description:
        'Parts of the budget at which alerts.webhook is told, once in a window, ascending; none by default.',
      examples: [['50%', '80%', '100%']],
    }),
  on_exceed: z.enum(['refuse', 'shrink']).default('refuse').meta({
    description:
      'What happens to a request whose longest answer does not fit: refuse it, or shrink the answer to what fits; default refuse.',
  }),
});

const WEBHOOK = {
  url: WebUrl.meta({
    description: 'Where events are posted to, http or https; required.',
    examples: ['https://hooks.example.com/llmgate'],
  }),
  secret: Secret.meta({
    description:
      'What deliveries are signed with, at least 16 random characters, only as a reference; required.',
    examples: ['${file:/run/secrets/webhook}'],
  }),
};

export const Export = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('file').meta({ description: 'Appends a line of JSON for each row; required.' }),
    path: Text.meta({
      description:
        'The file, made when it is missing, relative to the folder of this file; required.',
      examples: ['/var/log/llmgate/audit.jsonl'],
    }),
  }),
  z.strictObject({
    type: z.literal('syslog').meta({ description: 'Sends RFC 5424 messages; required.' }),
    address: SyslogAddress.meta({
      description:
        'Where syslog listens: udp://, tcp:// or tls:// and the host, and the port unless it is 514, or 6514 for tls; required.',
      examples: ['tls://logs.example.com:6514'],
    }),
  }),
  z.strictObject({
    type: z.literal('s3').meta({
      description: 'Writes objects to a bucket of Amazon S3 or what speaks its protocol; required.',
    }),
    bucket: Text.meta({ description: 'Name of the bucket; required.', examples: ['audit'] }),
    prefix: z
      .string()
      .default('')
      .meta({
        description: 'What the names of the objects begin with; default empty.',
        examples: ['llmgate/'],
      }),
    region: Text.default('us-east-1').meta({
      description: 'Region that requests are signed for; default us-east-1.',
    }),
    endpoint: WebUrl.optional().meta({
      description: 'Scheme, host and port of the service; defaults to Amazon’s of the region.',
      examples: ['https://minio.example.com:9000'],
    }),
    access_key_id: Secret.meta({
      description: 'The access key, only as a reference; required.',
      examples: ['${env:AWS_ACCESS_KEY_ID}'],
    }),
    secret_access_key: Secret.meta({
      description: 'Its secret, only as a reference; required.',
      examples: ['${env:AWS_SECRET_ACCESS_KEY}'],
    }),
  }),
  z.strictObject({
    type: z.literal('webhook').meta({ description: 'Posts signed batches of rows; required.' }),
    ...WEBHOOK,
  }),
]);

export const Audit = z.strictObject({
  content: z.enum(CONTENT_MODES).default('off').meta({
    description:
      'What is kept of prompts and answers of keys that say nothing themselves: nothing, with personal data masked, or all; default off.',
  }),
  content_key: Secret.optional().meta({
    description:
      'What kept content is encrypted with: 32 random bytes as base64 or hex, only as a reference; required when anything is kept, otherwise none.',
    examples: ['${file:/run/secrets/content-key}'],
  }),
  previous_content_keys: z.array(Secret).default([]).meta({
    description:
      'Keys that older content can still be read with, each as a reference; none by default.',
  }),
  content_cap: BodySize.default('1MB').meta({
    description: 'The most that is kept of one body, from 1KB to 1GB; default 1MB.',
  }),
  content_retention: Retention.default('30d').meta({
    description: 'How long prompts and answers are kept; default 30d.',
  }),
  retention: Retention.default('184d').meta({
    description: 'How long the row of every request is kept; default 184d.',
  }),
  admin_retention: Retention.default('2190d').meta({
    description: 'How long administrative events are kept; default 2190d, six years.',
  }),
  on_failure: z.enum(['refuse', 'allow']).default('refuse').meta({
    description:
      'Whether requests are refused or served while they cannot be recorded; default refuse.',
  }),
  checkpoint_interval: Interval.default('1h').meta({
    description: 'How often the state of the audit chains is signed, from 1s to 24h; default 1h.',
  }),
  signing_key: Secret.optional().meta({
    description:
      'Ed25519 private key in PEM that checkpoints are signed with, only as a reference; by default one is made in data_dir.',
    examples: ['${file:/run/secrets/signing-key.pem}'],
  }),
  export: z.array(Export).default([]).meta({
    description: 'Where the audit trail is copied to, all of them; nowhere by default.',
  }),
});

export const Usage = z.strictObject({
  retention: SumsRetention.default('400d').meta({
    description:
      'How long the sums that reports and budgets come from are kept, at least 32d; default 400d.',
  }),
});

export const Alerts = z.strictObject({
  webhook: z.strictObject(WEBHOOK).optional().meta({
    description:
      'Who is told of what follows, and when a budget reaches a part named in alert_at; nobody by default.',
  }),
  backend_down: TimeoutOrOff.default('60s').meta({
    description: 'Tell of a backend that has been down for so long, or off; default 60s.',
  }),
  error_rate: ShareOrOff.default('10%').meta({
    description:
      'Tell when more than this part of the requests of five minutes failed by our or a backend’s fault, or off; default 10%.',
  }),
  queue: TimeoutOrOff.default('30s').meta({
    description: 'Tell when a request has waited in line for so long, or off; default 30s.',
  }),
  disk_free: SizeOrOff.default('1GB').meta({
    description: 'Tell when the disk of data_dir has less space than this, or off; default 1GB.',
  }),
  audit_failure: z.boolean().default(true).meta({
    description: 'Tell when requests cannot be recorded; default true.',
  }),
});
