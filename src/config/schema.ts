import * as z from 'zod';
import { ENDPOINTS } from '../core/call.ts';
import { WINDOWS } from '../core/key.ts';
import { LIMIT_SCOPES } from '../limits/rule.ts';
import { parseBackendUrl } from './backend-url.ts';
import { BadValue } from './bad-value.ts';
import { BACKEND_TYPES } from './config.ts';
import { parseListenAddress } from './listen-address.ts';
import { parseDuration, parseRate, parseSize } from './units.ts';

/**
 * What may be written in the file. The descriptions are the public reference: docs/config.md and
 * the JSON Schema for editors are generated from them. Nothing is transformed here, so the schema
 * describes the text; `resolve.ts` turns it into the `Config` that the rest of the program uses.
 * Rules over more than one key are in the check-*.ts files.
 */

/** The default of `url` for backends of type `openai`. */
export const OPENAI_URL = 'https://api.openai.com';

/** Kinds of text with a form of their own. The pattern is for editors; the parser decides. */
interface Kind {
  readonly title: string;
  readonly pattern?: string;
  readonly parse: (text: string) => unknown;
  /** Said of a number, which mostly is the right one without its unit. */
  readonly ifNumber: string;
}

function written({ title, pattern, parse, ifNumber }: Kind) {
  return z
    .string({ error: ({ input }) => (typeof input === 'number' ? ifNumber : undefined) })
    .superRefine((text, context) => {
      try {
        parse(text);
      } catch (error) {
        if (!(error instanceof BadValue)) throw error;
        context.addIssue({ code: 'custom', message: error.message });
      }
    })
    .meta({ title, ...(pattern !== undefined && { pattern }) });
}

const Address = written({
  title: 'host:port',
  pattern: '^(\\[[0-9a-fA-F:.%]+\\]|[^:\\s\\[\\]/*]+):[0-9]+$',
  parse: parseListenAddress,
  ifNumber: 'must be an address such as 127.0.0.1:8080',
});

const BackendUrl = written({
  title: 'URL',
  pattern: '^[hH][tT][tT][pP][sS]?://[^\\s?#@]+$',
  parse: parseBackendUrl,
  ifNumber: 'must be a URL such as http://127.0.0.1:8000',
});

// Longer than a day no timer of the runtime can be trusted, and no answer takes that long.
const LONGEST_TIMEOUT_MS = 86_400_000;

const Timeout = written({
  title: 'duration',
  pattern: '^\\s*[0-9]+(\\.[0-9]+)?\\s*(ms|s|m|h|d)\\s*$',
  parse(text) {
    if (parseDuration(text) > LONGEST_TIMEOUT_MS) throw new BadValue('must be at most 24h');
  },
  ifNumber: 'has no unit; write it like 500ms, 30s or 5m',
});

const BodySize = written({
  title: 'size',
  pattern: '^\\s*[0-9]+(\\.[0-9]+)?\\s*(B|KB|MB|GB|KiB|MiB|GiB)\\s*$',
  parse(text) {
    const bytes = parseSize(text);
    if (bytes < 1_000 || bytes > 1_000_000_000) throw new BadValue('must be between 1KB and 1GB');
  },
  ifNumber: 'has no unit; write it like 32MB',
});

const RateText = written({
  title: 'rate',
  pattern: '^\\s*[0-9]+\\s*/\\s*[smhd]\\s*$',
  parse: parseRate,
  ifNumber: 'is not a rate; write it like 600/m',
});

const Secret = z.string().meta({ title: 'reference', pattern: '^\\$\\{(env|file):[^}]+\\}$' });
const Text = z.string().min(1);
const Tokens = z.int().min(1).max(1_000_000_000);

/** USD per million tokens. Six decimals are one micro-dollar, the finest price that is kept. */
const Usd = z
  .number()
  .min(0)
  .max(10_000)
  .refine((usd) => Math.abs(usd * 1e6 - Math.round(usd * 1e6)) < 1e-6 * Math.max(1, usd), {
    error: 'has more than six decimals; prices are in USD per million tokens',
  });

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

const Target = z.union([
  Text,
  z.strictObject({
    backend: Text.meta({ description: 'Id of the backend to send the request to; required.' }),
    model: Text.optional().meta({
      description: 'Name of the model on that backend; defaults to the name it has here.',
    }),
  }),
]);

const Price = z.strictObject({
  input: Usd.meta({ description: 'USD per million input tokens; required.' }),
  cached_input: Usd.optional().meta({
    description: 'USD per million input tokens read from the backend’s cache; defaults to input.',
  }),
  output: Usd.meta({ description: 'USD per million output tokens; required.' }),
  reasoning: Usd.optional().meta({
    description: 'USD per million reasoning tokens; defaults to output.',
  }),
});

const Model = z.strictObject({
  targets: z.array(Target).meta({
    minItems: 1,
    description:
      'Where requests for the model go, tried in order: a backend id, or a backend and the model name there; required.',
  }),
  aliases: z.array(Text).default([]).meta({
    description: 'Other names callers may use for the model; none by default.',
  }),
  price: Price.optional().meta({
    description: 'What the model costs in USD per million tokens; without it the model is free.',
  }),
  context_tokens: Tokens.optional().meta({
    description: 'Longest input plus output in tokens; unknown by default, so not checked.',
  }),
  max_output_tokens: Tokens.optional().meta({
    description:
      'Most output tokens of one answer, reserved against budgets when the caller names no limit; unknown by default.',
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

const Budget = z.strictObject({
  per: z.enum(['key', 'all']).meta({
    description: 'One purse for each key, or one for all of them; required.',
  }),
  usd: z.number().min(0).max(9_000_000).meta({
    description: 'US dollars that may be spent in one window; required.',
  }),
  window: z.enum(WINDOWS).meta({
    description:
      'Calendar window in UTC after which the purse is full again, or total for never; required.',
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
    description: 'Spending limits in USD, all of which apply; none by default.',
  }),
  unpriced_models: z.enum(['allow', 'deny']).default('allow').meta({
    description: 'Whether models without a price may be used; default allow.',
  }),
  log: Log.prefault({}).meta({ description: 'What is logged, on standard error.' }),
});

export type ConfigFile = z.output<typeof ConfigFile>;
