import type { Usage } from '../../../src/core/usage.ts';

/** Ways of telling what cannot be. */
export type UsageLie = 'negative' | 'huge' | 'fraction' | 'text' | 'wrong_total' | 'parts';

interface WireFrames {
  /** A delta may state usage. */
  readonly carriesRunning: boolean;
  start(usage: Usage | null): string;
  delta(text: string, choice: number, running: Usage | null): string;
  /** Empty where only the terminal says it. */
  usage(json: string): string;
  terminal(usage: string | null): string;
  whole(text: string, usage: string | null): string;
}

function data(json: string): string {
  return `data: ${json}\n\n`;
}

function event(type: string, rest: string): string {
  return `event: ${type}\ndata: {"type":"${type}"${rest === '' ? '' : `,${rest}`}}\n\n`;
}

function member(usage: string | null): string {
  return usage === null ? '' : `,"usage":${usage}`;
}

const chunks = (choiceOf: (text: string, index: number) => string): WireFrames => ({
  carriesRunning: true,
  start: () => '',
  delta: (text, choice, running) =>
    data(
      `{"choices":[${choiceOf(text, choice)}]${member(
        running === null ? null : usageJson('chat', running, 'running'),
      )}}`,
    ),
  usage: (json) => data(`{"choices":[],"usage":${json}}`),
  terminal: () => 'data: [DONE]\n\n',
  whole: (text, usage) => `{"choices":[${wholeChoice(choiceOf, text)}]${member(usage)}}`,
});

function wholeChoice(choiceOf: (text: string, index: number) => string, text: string): string {
  return choiceOf(text, 0).replace('"delta"', '"message"');
}

const chat = chunks(
  (text, index) => `{"index":${index},"delta":{"content":${JSON.stringify(text)}}}`,
);
const completions = chunks((text, index) => `{"index":${index},"text":${JSON.stringify(text)}}`);

const messages: WireFrames = {
  carriesRunning: false,
  start: (usage) =>
    event(
      'message_start',
      `"message":{"id":"m"${member(
        usage === null ? null : usageJson('messages', { ...usage, outputTokens: 0 }, 'final'),
      )}}`,
    ),
  delta: (text) =>
    event(
      'content_block_delta',
      `"index":0,"delta":{"type":"text_delta","text":${JSON.stringify(text)}}`,
    ),
  usage: (json) => event('message_delta', `"delta":{},"usage":${json}`),
  terminal: () => event('message_stop', ''),
  whole: (text, usage) =>
    `{"type":"message","content":[{"type":"text","text":${JSON.stringify(text)}}]${member(usage)}}`,
};

const responses: WireFrames = {
  carriesRunning: false,
  start: () => event('response.created', '"response":{"id":"r"}'),
  delta: (text) => event('response.output_text.delta', `"delta":${JSON.stringify(text)}`),
  usage: () => '',
  terminal: (usage) => event('response.completed', `"response":{"id":"r"${member(usage)}}`),
  whole: (text, usage) =>
    `{"object":"response","output":[{"type":"message","content":[{"type":"output_text","text":${JSON.stringify(
      text,
    )}}]}]${member(usage)}}`,
};

const embeddings: WireFrames = {
  ...chat,
  whole: (_text, usage) => `{"object":"list","data":[{"embedding":[0.1]}]${member(usage)}}`,
};

const FRAMES = new Map(Object.entries({ chat, completions, messages, responses, embeddings }));

export function framesOf(endpoint: string): WireFrames {
  return FRAMES.get(endpoint) ?? chat;
}

/** The words of one protocol for what was used, or for a lie about it. */
export function usageJson(endpoint: string, usage: Usage, reporting: string): string {
  const stated = endpoint === 'messages' ? asMessages(usage) : asOpenAi(endpoint, usage);
  switch (reporting) {
    case 'zero':
      return map(stated, () => 0);
    case 'negative':
      return map(stated, (count) => -count - 1);
    case 'huge':
      return map(stated, (count) => (count + 1) * 1e9);
    case 'fraction':
      return map(stated, (count) => count + 0.5);
    case 'text':
      return map(stated, String);
    case 'wrong_total':
      return map(stated, (count, name) => (name === 'total_tokens' ? count - 1 : count));
    case 'parts':
      return map(stated, (count, name) => (PARTS.has(name) ? count + 1_000_000 : count));
    default:
      return JSON.stringify(stated);
  }
}

const PARTS = new Set(['cached_tokens', 'cache_read_input_tokens', 'reasoning_tokens']);

function map(stated: object, change: (count: number, name: string) => unknown): string {
  return JSON.stringify(stated, (name, value) =>
    typeof value === 'number' ? change(value, name) : value,
  );
}

function asMessages(usage: Usage): object {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = usage;
  return {
    input_tokens: inputTokens - cachedInputTokens - cacheWriteTokens,
    cache_read_input_tokens: cachedInputTokens,
    cache_creation_input_tokens: cacheWriteTokens,
    output_tokens: outputTokens,
  };
}

function asOpenAi(endpoint: string, usage: Usage): object {
  const details = {
    cached_tokens: usage.cachedInputTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    audio_tokens: usage.audioInputTokens,
  };
  const outputDetails = { reasoning_tokens: usage.reasoningTokens };
  const total_tokens = usage.inputTokens + usage.outputTokens;
  if (endpoint === 'responses') {
    return {
      input_tokens: usage.inputTokens,
      input_tokens_details: details,
      output_tokens: usage.outputTokens,
      output_tokens_details: outputDetails,
      total_tokens,
    };
  }
  return {
    prompt_tokens: usage.inputTokens,
    prompt_tokens_details: details,
    completion_tokens: usage.outputTokens,
    completion_tokens_details: outputDetails,
    total_tokens,
  };
}
