import * as z from 'zod';
import { BACKEND_TYPES } from './config.ts';
import {
  BackendUrl,
  Concurrency,
  Scalar,
  Secret,
  Size,
  Text,
  Texts,
  Timeout,
  TimeoutOrOff,
  UrlPath,
  UrlPathOrOff,
  Weight,
} from './schema-values.ts';

/** The default of `url` for backends of type `openai`. */
export const OPENAI_URL = 'https://api.openai.com';

const Process = z.strictObject({
  command: Texts.meta({
    description:
      'Program and arguments, as a list or as one text that is split at blanks; no shell reads it; required.',
    examples: ['llama-server -m /models/qwen.gguf --port 9001'],
  }),
  env: z.record(z.string(), Scalar).default({}).meta({
    description:
      'Environment variables; secrets in values as ${env:NAME} or ${file:/path}. Of llmgate’s own environment only PATH, HOME, LANG, TMPDIR and LD_LIBRARY_PATH are passed on; none by default.',
  }),
  cwd: Text.optional().meta({
    description:
      'Folder it is started in, relative to the folder of this file; defaults to the one llmgate was started in.',
  }),
  ready: UrlPath.optional().meta({
    description: 'Path that answers 200 once it can serve; defaults to health, or /health.',
    examples: ['/health'],
  }),
  ready_timeout: Timeout.default('10m').meta({
    description: 'Longest time from its start until it is ready; default 10m.',
  }),
  stop_timeout: Timeout.default('15s').meta({
    description: 'Longest wait after SIGTERM before it is killed; default 15s.',
  }),
  max_wait: TimeoutOrOff.default('5m').meta({
    description:
      'How long a request waits for it to be started, or off: it is refused at once with backend_loading, and the start goes on; default 5m.',
  }),
  idle_ttl: Timeout.optional().meta({
    description: 'Stopped when nobody has used it for so long; kept by default.',
    examples: ['15m'],
  }),
  min_residency: Timeout.default('30s').meta({
    description: 'Not stopped for another one earlier than this after it was ready; default 30s.',
  }),
  gpus: z
    .array(z.int().min(0).max(1_023))
    .default([])
    .meta({
      description:
        'Indices of the GPUs that it uses, as nvidia-smi counts them; CUDA_VISIBLE_DEVICES tells it; none by default.',
      examples: [[0, 1]],
    }),
  memory: Size.optional().meta({
    description:
      'What it takes of each of its GPUs, or of the machine when it uses none; defaults to all of it, so that nothing runs beside it there.',
    examples: ['24GB'],
  }),
  group: Text.optional().meta({
    description: 'Of the processes of one group only one runs at a time; no group by default.',
  }),
  preload: z.boolean().default(false).meta({
    description:
      'Start it with the gateway and again after a crash, not only when it is needed; default false.',
  }),
});

export const Backend = z.strictObject({
  type: z.enum(BACKEND_TYPES).meta({
    description:
      'What runs there: it decides how models are discovered and how usage is reported; required.',
  }),
  url: BackendUrl.optional().meta({
    description: `Base URL, with or without a trailing /v1, or unix: and the path of a socket; required except for type openai, where it defaults to ${OPENAI_URL}.`,
  }),
  api_key: z
    .union([Secret, z.array(Secret)])
    .optional()
    .meta({
      description:
        'Secret sent to the backend, or a list of them that are used in turn when one is refused, each only as ${env:NAME} or ${file:/path}; required for type openai, otherwise none.',
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
  weight: Weight.default(1).meta({
    description: 'Share beside the other targets of a model with balance weighted; default 1.',
  }),
  max_concurrency: Concurrency.optional().meta({
    description:
      'Requests it may have at once, the others wait in line; by default its own metrics decide.',
    examples: [64],
  }),
  labels: z
    .array(Text)
    .default([])
    .meta({
      description: 'Words that rules of models may ask for; none by default.',
      examples: [['local']],
    }),
  resend: z.boolean().optional().meta({
    description:
      'Whether a request may be sent to another one although this one may have worked on it; defaults to true for own engines and false for openai and openai_compatible, where it would be paid twice.',
  }),
  health: UrlPathOrOff.optional().meta({
    description:
      'Path that answers 200 while it is well, or off; defaults to /health, / for ollama, off for openai and openai_compatible.',
  }),
  metrics: UrlPathOrOff.optional().meta({
    description:
      'Path of its own metrics, or off; defaults to /metrics for vllm, sglang, llamacpp and tgi, /prometheus/metrics for trtllm, off for the others.',
  }),
  process: Process.optional().meta({
    description:
      'How llmgate itself starts the server, on this machine, when a request needs it; by default somebody else does.',
  }),
});
