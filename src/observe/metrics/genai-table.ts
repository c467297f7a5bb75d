import type { Endpoint } from '../../core/call.ts';
import { Bounds } from './histogram.ts';
import { histogram } from './metric-info.ts';

// The names of OpenTelemetry's semantic conventions for generative AI as Prometheus spells them:
// dots become underscores and the unit is appended (`s` as seconds, `{token}` not at all). All of
// them are in development and several are about to be renamed, so none is written anywhere else.
// https://github.com/open-telemetry/semantic-conventions-genai

const OPERATION = 'gen_ai_operation_name';
const PROVIDER = 'gen_ai_provider_name';
const MODEL = 'gen_ai_request_model';
const TOKEN_TYPE = 'gen_ai_token_type';
const ERROR = 'error_type';

/** `server` is what callers see of the gateway, `client` what the gateway sees of backends. */
export const GENAI_METRICS = {
  tokenUsage: histogram(
    'gen_ai_client_token_usage',
    [OPERATION, PROVIDER, MODEL, TOKEN_TYPE],
    'Input and output tokens of one request.',
  ),
  clientDuration: histogram(
    'gen_ai_client_operation_duration_seconds',
    [OPERATION, PROVIDER, MODEL, ERROR],
    'One attempt at a backend.',
  ),
  timeToFirstChunk: histogram(
    'gen_ai_client_operation_time_to_first_chunk_seconds',
    [OPERATION, PROVIDER, MODEL],
    'From sending a request to a backend to the first token of its answer.',
  ),
  serverDuration: histogram(
    'gen_ai_server_request_duration_seconds',
    [OPERATION, PROVIDER, MODEL, ERROR],
    'From the arrival of a request to its settlement.',
  ),
  timeToFirstToken: histogram(
    'gen_ai_server_time_to_first_token_seconds',
    [OPERATION, PROVIDER, MODEL],
    'From the arrival of a request to the first token of its answer.',
  ),
  timePerOutputToken: histogram(
    'gen_ai_server_time_per_output_token_seconds',
    [OPERATION, PROVIDER, MODEL],
    'Mean time between two tokens of one answer.',
  ),
};

const DURATIONS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48];

/** The bounds that the conventions advise. */
export const GENAI_BOUNDS = {
  tokens: new Bounds(Array.from({ length: 14 }, (_, power) => 4 ** power)),
  duration: new Bounds([...DURATIONS, 40.96, 81.92]),
  timeToFirstToken: new Bounds([
    ...[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  ]),
  timePerOutputToken: new Bounds([
    ...[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
  ]),
};

/** `gen_ai.operation.name`: the well-known names, and ours where there is none. */
export const GENAI_OPERATIONS: Readonly<Record<Endpoint, string>> = {
  chat: 'chat',
  completions: 'text_completion',
  embeddings: 'embeddings',
  models: 'models',
  responses: 'chat',
  messages: 'chat',
  count_tokens: 'count_tokens',
  rerank: 'rerank',
  score: 'score',
  moderations: 'moderations',
  images: 'generate_content',
  audio: 'generate_content',
  tokenize: 'tokenize',
  detokenize: 'detokenize',
};
