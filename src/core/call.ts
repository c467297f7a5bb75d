/** What a request asks for, in words shared by every protocol. */

export const ENDPOINTS = [
  'chat',
  'completions',
  'embeddings',
  'models',
  'responses',
  'messages',
  'count_tokens',
  'rerank',
  'score',
  'moderations',
  'images',
  'audio',
  'tokenize',
  'detokenize',
] as const;

/** The name of a kind of request in keys, limits, the ledger and metrics. */
export type Endpoint = (typeof ENDPOINTS)[number];

/** Whose error shape and stream frames the caller understands. */
export type Dialect = 'openai' | 'anthropic';

export function isEndpoint(name: string): name is Endpoint {
  return (ENDPOINTS as readonly string[]).includes(name);
}
