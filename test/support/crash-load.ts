import type { Served } from './serve-lab.ts';

/** An answer that a caller got whole, with the tokens that it was told. */
export interface WholeAnswer {
  /** Lower-case hex, as the books write it. */
  readonly id: string;
  readonly outputTokens: number;
}

export interface LoadReport {
  readonly whole: readonly WholeAnswer[];
  /** What failed although the gateway was alive; a kill excuses everything after it. */
  readonly failures: readonly string[];
}

const CHAT = {
  model: 'small',
  messages: [{ role: 'user', content: 'Go on until somebody dies.' }],
};

/**
 * Callers that ask without a pause (streams, whole answers, embeddings, and some that leave midway)
 * until `isKilled`, each waiting for its own answers only.
 */
export async function runLoad(
  { url }: Served,
  key: string,
  { callers, isKilled }: { callers: number; isKilled: () => boolean },
): Promise<LoadReport> {
  const whole: WholeAnswer[] = [];
  const failures: string[] = [];
  const ask = async (turn: number) => {
    const kind = KINDS[turn % KINDS.length] ?? 'plain';
    const answer = await askOnce(url, key, kind);
    if (answer !== null) whole.push(answer);
  };
  const call = async (first: number) => {
    for (let turn = first; !isKilled(); turn += 1) {
      try {
        await ask(turn);
      } catch (cause) {
        if (!isKilled()) failures.push(String(cause));
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, at) => call(at)));
  return { whole, failures };
}

const KINDS = ['stream', 'plain', 'stream', 'embeddings', 'leave', 'plain', 'stream'] as const;

async function askOnce(
  url: string,
  key: string,
  kind: (typeof KINDS)[number],
): Promise<WholeAnswer | null> {
  const leave = new AbortController();
  const path = kind === 'embeddings' ? 'embeddings' : 'chat/completions';
  const response = await fetch(`${url}/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(bodyOf(kind)),
    signal: leave.signal,
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  if (kind === 'leave') {
    await response.body?.getReader().read();
    leave.abort();
    return null;
  }
  const text = await response.text();
  const isStream = kind === 'stream';
  if (isStream && !text.endsWith('data: [DONE]\n\n')) throw new Error(`a cut stream: ${text}`);
  const id = (response.headers.get('x-request-id') ?? '').replaceAll('-', '');
  const tokens = /"completion_tokens": ?(\d+)/.exec(text)?.[1] ?? '0';
  return { id, outputTokens: Number(tokens) };
}

function bodyOf(kind: (typeof KINDS)[number]): object {
  switch (kind) {
    case 'embeddings':
      return { model: 'small', input: 'a text' };
    case 'plain':
      return CHAT;
    case 'stream':
    case 'leave':
      return { ...CHAT, stream: true, stream_options: { include_usage: true } };
  }
}
