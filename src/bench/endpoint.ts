import type { Prompt } from './prompt.ts';

export const BENCH_ENDPOINTS = ['chat', 'completions', 'embeddings'] as const;
export type BenchEndpoint = (typeof BENCH_ENDPOINTS)[number];

const PATHS: Readonly<Record<BenchEndpoint, string>> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  embeddings: '/v1/embeddings',
};

/** `chat`, or the path that vLLM's --endpoint takes: `/v1/chat/completions`. Null: neither. */
export function parseEndpoint(text: string): BenchEndpoint | null {
  return BENCH_ENDPOINTS.find((name) => name === text || PATHS[name] === text) ?? null;
}

export function pathOf(endpoint: BenchEndpoint): string {
  return PATHS[endpoint];
}

export interface BodyOptions {
  readonly endpoint: BenchEndpoint;
  readonly model: string;
  readonly stream: boolean;
  readonly ignoreEos: boolean;
  /** Put over everything else. */
  readonly extraBody: Readonly<Record<string, unknown>>;
}

/** The body of one request. `max_tokens` because every engine knows it. */
export function renderBody(options: BodyOptions, { input, maxTokens }: Prompt): Uint8Array {
  const { endpoint, model, stream } = options;
  const isGenerating = endpoint !== 'embeddings';
  const body = {
    model,
    ...(endpoint === 'chat' ? { messages: toMessages(input) } : {}),
    ...(endpoint === 'completions' ? { prompt: toText(input) } : {}),
    ...(endpoint === 'embeddings' ? { input: toText(input) } : {}),
    ...(isGenerating && maxTokens !== null ? { max_tokens: maxTokens } : {}),
    ...(isGenerating && options.ignoreEos ? { ignore_eos: true } : {}),
    ...(isGenerating && stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...options.extraBody,
  };
  return Buffer.from(JSON.stringify(body));
}

function toMessages(input: Prompt['input']): readonly unknown[] {
  return input.kind === 'messages' ? input.messages : [{ role: 'user', content: input.text }];
}

/** Messages for an endpoint without roles: their texts, one after the other. */
function toText(input: Prompt['input']): string {
  if (input.kind === 'text') return input.text;
  return input.messages
    .map((message) =>
      typeof message === 'object' && message !== null && 'content' in message
        ? typeof message.content === 'string'
          ? message.content
          : JSON.stringify(message.content)
        : '',
    )
    .join('\n');
}
