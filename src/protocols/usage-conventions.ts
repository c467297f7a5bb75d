/** Members that may hold a count, `name` or `group.name`; the first that is stated is it. */
export type Members = readonly (readonly string[])[];

/**
 * How one wire format states usage, and what its totals include. Everything a `Usage` needs is
 * derived from this by `readUsage`; a new format is a new line of the table below.
 */
export interface UsageConvention {
  readonly input: Members;
  readonly output: Members;
  readonly total: Members;
  readonly cachedInput: Members;
  readonly cacheWrite: Members;
  readonly audioInput: Members;
  readonly imageInput: Members;
  readonly reasoning: Members;
  readonly audioOutput: Members;
  readonly imageOutput: Members;
  /** Whether `input` counts what was read from and written to the cache. */
  readonly inputIncludesCache: boolean;
  /**
   * Whether `output` may leave reasoning out. What the total then has beyond input and output is
   * reasoning, unless another amount of it is stated.
   */
  readonly outputMayLackReasoning: boolean;
  /** What the output is made of where the reply does not say. */
  readonly plainOutput: 'text' | 'audio' | 'image';
  /** Input that was not found in the cache: with `cachedInput` it makes up the input. */
  readonly cacheMiss: Members;
  /** `cacheWrite` by how long it is kept: together they make it up, and may stand in for it. */
  readonly cacheWriteByLife: readonly Members[];
}

function members(...paths: readonly string[]): Members {
  return paths.map((path) => path.split('.'));
}

const NOWHERE: Members = [];

/**
 * OpenAI's chat, completions and embeddings, and everything that imitates them: vLLM, SGLang,
 * llama.cpp, TGI, Ollama, OpenRouter. Cached, written, audio and image tokens are inside
 * `prompt_tokens`; reasoning and audio inside `completion_tokens`. Imitations differ in where they
 * put the parts (DeepSeek: hits and misses of the cache; Moonshot the cache and SGLang reasoning
 * beside the totals), and Gemini and xAI leave reasoning out of `completion_tokens`, which their
 * `total_tokens` gives away.
 */
const chat: UsageConvention = {
  input: members('prompt_tokens'),
  output: members('completion_tokens'),
  total: members('total_tokens'),
  cachedInput: members(
    'prompt_tokens_details.cached_tokens',
    'prompt_cache_hit_tokens',
    'cached_tokens',
  ),
  cacheWrite: members('prompt_tokens_details.cache_write_tokens'),
  audioInput: members('prompt_tokens_details.audio_tokens'),
  imageInput: members('prompt_tokens_details.image_tokens'),
  reasoning: members('completion_tokens_details.reasoning_tokens', 'reasoning_tokens'),
  audioOutput: members('completion_tokens_details.audio_tokens'),
  imageOutput: members('completion_tokens_details.image_tokens'),
  inputIncludesCache: true,
  outputMayLackReasoning: true,
  plainOutput: 'text',
  cacheMiss: members('prompt_cache_miss_tokens'),
  cacheWriteByLife: [],
};

/** OpenAI's Responses and transcriptions. The latter spell the details without an `s`. */
const responses: UsageConvention = {
  input: members('input_tokens'),
  output: members('output_tokens'),
  total: members('total_tokens'),
  cachedInput: members('input_tokens_details.cached_tokens', 'input_token_details.cached_tokens'),
  cacheWrite: members('input_tokens_details.cache_write_tokens'),
  audioInput: members('input_tokens_details.audio_tokens', 'input_token_details.audio_tokens'),
  imageInput: members('input_tokens_details.image_tokens', 'input_token_details.image_tokens'),
  reasoning: members('output_tokens_details.reasoning_tokens'),
  audioOutput: members('output_tokens_details.audio_tokens'),
  imageOutput: members('output_tokens_details.image_tokens'),
  inputIncludesCache: true,
  outputMayLackReasoning: true,
  plainOutput: 'text',
  cacheMiss: NOWHERE,
  cacheWriteByLife: [],
};

/**
 * Anthropic: `input_tokens` is only what was neither read from the cache nor written to it.
 * Writes are stated as one figure, by life time, or both; thinking is inside the output.
 */
const messages: UsageConvention = {
  input: members('input_tokens'),
  output: members('output_tokens'),
  total: NOWHERE,
  cachedInput: members('cache_read_input_tokens'),
  cacheWrite: members('cache_creation_input_tokens'),
  audioInput: NOWHERE,
  imageInput: NOWHERE,
  reasoning: members('output_tokens_details.thinking_tokens'),
  audioOutput: NOWHERE,
  imageOutput: NOWHERE,
  inputIncludesCache: false,
  outputMayLackReasoning: false,
  plainOutput: 'text',
  cacheMiss: NOWHERE,
  cacheWriteByLife: [
    members('cache_creation.ephemeral_5m_input_tokens'),
    members('cache_creation.ephemeral_1h_input_tokens'),
  ],
};

export const USAGE_CONVENTIONS = {
  chat,
  responses,
  messages,
  /** Pictures: until their details were added, all output was image. */
  images: { ...responses, outputMayLackReasoning: false, plainOutput: 'image' },
  /** Speech: text in, sound out, and no details. */
  speech: { ...responses, outputMayLackReasoning: false, plainOutput: 'audio' },
} as const satisfies Readonly<Record<string, UsageConvention>>;
