/** Names that most requests are made of, in lower case; decoding them anew each time would be waste. */
const COMMON = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'temperature',
  'top_p',
  'n',
  'stop',
  'seed',
  'user',
  'tools',
  'tool_choice',
  'response_format',
  'input',
  'prompt',
  'system',
  'instructions',
  'metadata',
  'id',
  'object',
  'created',
  'choices',
  'usage',
];

interface CommonName {
  readonly text: string;
  readonly bytes: Uint8Array;
}

const byLength: (readonly CommonName[] | undefined)[] = [];
for (const text of COMMON) {
  const peers = byLength[text.length] ?? [];
  byLength[text.length] = [...peers, { text, bytes: Buffer.from(text) }];
}

/** The name at a byte range when it is one of the common ones, spelt in lower case. */
export function findCommonName(bytes: Uint8Array, start: number, end: number): string | undefined {
  const candidates = byLength[end - start];
  if (candidates === undefined) return undefined;
  for (const { text, bytes: expected } of candidates) {
    let at = 0;
    while (at < expected.length && bytes[start + at] === expected[at]) at += 1;
    if (at === expected.length) return text;
  }
  return undefined;
}
