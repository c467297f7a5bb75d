import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai';
import type { Served, ServeLab } from '../../../test/support/serve-lab.ts';
import { Checks, expect } from './checks.ts';
import { type Engine, MODEL } from './engine.ts';

const ASK = {
  model: MODEL,
  messages: [{ role: 'user' as const, content: 'Say something short.' }],
  max_tokens: 24,
};

interface RealLab {
  readonly engine: Engine;
  readonly lab: ServeLab;
  readonly served: Served;
}

type RunCheck = (name: string, check: (caller: Caller) => Promise<void>) => Promise<void>;

interface Caller {
  readonly client: OpenAI;
  /** The first row of the key. */
  row(): Record<string, string | number | null>;
}

/** The official JavaScript client through llmgate on a real engine. The last check kills it. */
export async function runNodeChecks({ engine, lab, served }: RealLab): Promise<boolean> {
  const checks = new Checks();
  let callers = 0;
  const openCaller = async (...flags: string[]): Promise<Caller> => {
    callers += 1;
    const { id, key } = await lab.createKey(`node-${callers}`, ...flags);
    const client = new OpenAI({ apiKey: key, baseURL: `${served.url}/v1`, maxRetries: 0 });
    return { client, row: () => firstRow(lab, id) };
  };
  const run: RunCheck = (name, check) => checks.run(name, async () => check(await openCaller()));
  await checkAnswers(run);
  await checkErrors(run, openCaller);
  await checkBreaks(run, engine);
  checks.report();
  return checks.failed === 0;
}

function firstRow(lab: ServeLab, keyId: string): Record<string, string | number | null> {
  const [row] = lab.rows(`key = '${keyId}'`);
  expect(row, 'no row');
  return row;
}

async function checkAnswers(run: RunCheck): Promise<void> {
  await run('chat: the books have what the engine reports', async ({ client, row }) => {
    const { choices, usage } = await client.chat.completions.create(ASK);
    expect(choices[0]?.message.content, 'no content');
    const { outcome, input_tokens: input, output_tokens: output, estimated } = row();
    expect(outcome === 'served' && estimated === 0, JSON.stringify(row()));
    expect(input === usage?.prompt_tokens && output === usage?.completion_tokens, 'other usage');
  });
  await run('chat: a stream, which the engine reports no usage for, is counted', async (caller) => {
    let text = '';
    let chunks = 0;
    const stream = await caller.client.chat.completions.create({
      ...ASK,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const { choices } of stream) {
      chunks += 1;
      text += choices[0]?.delta.content ?? '';
    }
    expect(text !== '' && chunks > 10, `${chunks} chunks`);
    const { outcome, output_tokens: output, estimated, usage_source: source } = caller.row();
    expect(outcome === 'served' && estimated === 1 && source === 'counted', 'not flagged');
    const counted = Number(output);
    process.stdout.write(`      counted ${counted} tokens of ${ASK.max_tokens}\n`);
    expect(counted > ASK.max_tokens / 3 && counted < ASK.max_tokens * 3, 'far off');
  });
  await run('chat: the strict stream helper', async ({ client }) => {
    const { choices } = await client.chat.completions.stream(ASK).finalChatCompletion();
    expect(choices[0]?.message.content, 'no content');
    expect(choices[0]?.finish_reason === 'length', 'finish reason');
  });
  await run('completions: whole and streamed', async ({ client }) => {
    const ask = { model: MODEL, prompt: 'Once upon a time', max_tokens: 24 };
    expect((await client.completions.create(ask)).choices[0]?.text, 'no text');
    let text = '';
    for await (const chunk of await client.completions.create({ ...ask, stream: true })) {
      text += chunk.choices[0]?.text ?? '';
    }
    expect(text, 'no streamed text');
  });
  await run('embeddings', async ({ client, row }) => {
    const ask = { model: MODEL, input: 'one text', encoding_format: 'float' as const };
    const { data, usage } = await client.embeddings.create(ask);
    expect(data[0]?.embedding.length === 64, 'not as long as the model is wide');
    expect(row()['input_tokens'] === usage.prompt_tokens, 'other usage');
  });
  await run('models: listed and retrieved', async ({ client }) => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id).join() === MODEL, 'not listed');
    expect((await client.models.retrieve(MODEL)).id === MODEL, 'not retrieved');
  });
}

async function checkErrors(
  run: RunCheck,
  openCaller: (...flags: string[]) => Promise<Caller>,
): Promise<void> {
  await run('AuthenticationError', async ({ client }) => {
    const stranger = client.withOptions({ apiKey: 'sk-lg-nobody' });
    const error = await caught(stranger.chat.completions.create(ASK));
    expect(error instanceof AuthenticationError && error.code === 'invalid_api_key', `${error}`);
  });
  await run('NotFoundError', async ({ client }) => {
    const error = await caught(client.chat.completions.create({ ...ASK, model: 'nobody' }));
    expect(error instanceof NotFoundError && error.code === 'model_not_found', `${error}`);
  });
  await run('RateLimitError: an exhausted budget', async () => {
    const { client, row } = await openCaller('--budget', '0.000001/month');
    const error = await caught(client.chat.completions.create(ASK));
    expect(error instanceof RateLimitError && error.code === 'insufficient_quota', `${error}`);
    expect(row()['outcome'] === 'refused', 'not refused');
  });
  await run("BadRequestError: the engine's context is too short", async ({ client, row }) => {
    const content = 'word '.repeat(20_000);
    const asking = { ...ASK, messages: [{ role: 'user' as const, content }] };
    const error = await caught(client.chat.completions.create(asking));
    expect(error instanceof BadRequestError, `${error}`);
    expect(error.code === 'context_length_exceeded', `${error.code}`);
    expect(row()['cost_nano_usd'] === 0, 'it cost something');
  });
  await run('InternalServerError: the engine fails at a field', async ({ client, row }) => {
    const body = { ...ASK, temperature: 'hot' };
    const error = await caught(client.post('/chat/completions', { body }));
    expect(error instanceof InternalServerError && error.code === 'backend_error', `${error}`);
    expect(row()['cost_nano_usd'] === 0, 'it cost something');
  });
}

async function checkBreaks(run: RunCheck, engine: Engine): Promise<void> {
  const long = { ...ASK, max_tokens: 8_000, stream: true as const };
  await run('a stream that is aborted midway stops the engine', async ({ client, row }) => {
    const stream = await client.chat.completions.create(long);
    let chunks = 0;
    for await (const _ of stream) {
      chunks += 1;
      if (chunks === 20) stream.controller.abort();
    }
    await engine.process.untilLine(/Disconnected from client/);
    // One request at a time: had it gone on, this one would have to wait for its end.
    await client.chat.completions.create(ASK, { timeout: 2_000 });
    const { outcome, output_tokens: output } = row();
    expect(outcome === 'cut_by_caller', `${outcome}`);
    expect(Number(output) > 0 && Number(output) < 4_000, `${output} tokens`);
    process.stdout.write(`      booked ${output} tokens of ${long.max_tokens}\n`);
  });
  await run('APIError: the engine is killed midway', async ({ client, row }) => {
    const stream = await client.chat.completions.create(long);
    let chunks = 0;
    const reading = async () => {
      for await (const _ of stream) {
        chunks += 1;
        if (chunks === 20) engine.process.signal('SIGKILL');
      }
    };
    const error = await caught(reading());
    expect(error.code === 'backend_stream_broken', `${error}`);
    expect(row()['outcome'] === 'cut_by_backend', `${row()['outcome']}`);
  });
  await run('InternalServerError: no engine, and its model is still listed', async ({ client }) => {
    const error = await caught(client.chat.completions.create(ASK));
    expect(error instanceof InternalServerError && error.status === 503, `${error}`);
    expect(error.code === 'no_backend_available', `${error.code}`);
    expect((await client.models.list()).data.length === 1, 'not listed');
  });
}

async function caught(asking: Promise<unknown>): Promise<APIError> {
  try {
    await asking;
  } catch (cause) {
    if (cause instanceof APIError) return cause;
    throw cause;
  }
  throw new Error('no error');
}
