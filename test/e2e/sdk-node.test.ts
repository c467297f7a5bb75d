import type { ChatCompletionChunk, ChatCompletionTool } from 'openai/resources/chat/completions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SdkCaller, type SdkLab, startSdkLab } from '../support/sdk-lab.ts';

// The official OpenAI client for JavaScript, unchanged, through the compiled executable.

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ASK = {
  model: 'small',
  messages: [{ role: 'user' as const, content: 'Say something short.' }],
};
const WEATHER: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' } },
      required: ['city', 'days'],
    },
  },
};

let lab: SdkLab;
beforeAll(async () => {
  lab = await startSdkLab();
});
afterAll(async () => {
  const { code, stdout } = await lab.serve.run('ledger', 'check');
  await lab[Symbol.asyncDispose]();
  expect(code, stdout).toBe(0);
});

/** The books hold exactly these tokens, reported by the backend, at the price of `small`. */
async function expectBooked(
  caller: SdkCaller,
  usage: { prompt_tokens: number; completion_tokens: number } | null | undefined,
  requests = 1,
): Promise<void> {
  const { prompt_tokens: input = -1, completion_tokens: output = -1 } = usage ?? {};
  expect(await caller.usage()).toMatchObject({
    rows: [{ outcome: 'served' }],
    total: {
      requests,
      errors: 0,
      input_tokens: input,
      output_tokens: output,
      cost_usd: ((input + 2 * output) / 1e6).toFixed(6).replace(/0+$/, ''),
      unpriced: 0,
      estimated: 0,
    },
  });
}

describe('chat', () => {
  test('a whole answer, its headers and its row', async () => {
    const caller = await lab.openCaller();
    lab.mock.script({ tokens: 7 });
    const { data, response, request_id } = await caller.client.chat.completions
      .create(ASK)
      .withResponse();
    expect(data.choices[0]?.message).toMatchObject({ role: 'assistant' });
    expect(data.choices[0]?.message.content).not.toBe('');
    expect(data.usage?.completion_tokens).toBe(7);
    expect(request_id).toMatch(UUID_V7);
    expect(response.headers.get('x-llmgate-backend')).toBe('mock');
    expect(Number(response.headers.get('x-llmgate-cost-usd'))).toBeGreaterThan(0);
    expect(lab.serve.rows(`key = '${caller.key.id}'`)).toMatchObject([
      { id: request_id?.replaceAll('-', ''), endpoint: 'chat', model: 'small', status: 200 },
    ]);
    await expectBooked(caller, data.usage);
  });

  test('a stream with usage: same id throughout, one last chunk without choices', async () => {
    const caller = await lab.openCaller();
    lab.mock.script({ tokens: 9 });
    const stream = await caller.client.chat.completions.create({
      ...ASK,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const last = chunks.at(-1);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(last).toMatchObject({ choices: [], usage: { completion_tokens: 9 } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).not.toBeNull();
    await expectBooked(caller, last?.usage);
  });

  test('a stream that did not ask for usage shows none and is booked all the same', async () => {
    const caller = await lab.openCaller();
    lab.mock.script({ tokens: 5 });
    const chunks: ChatCompletionChunk[] = [];
    for await (const chunk of await caller.client.chat.completions.create({ ...ASK, stream: true }))
      chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(5);
    expect(chunks.every(({ choices, usage }) => choices.length === 1 && !usage)).toBe(true);
    const { total } = await caller.usage();
    expect(total).toMatchObject({ requests: 1, output_tokens: 5, estimated: 0 });
  });

  test('the strict stream helper, which throws at the first oddity', async () => {
    const caller = await lab.openCaller();
    const stream = caller.client.chat.completions.stream({
      ...ASK,
      stream_options: { include_usage: true },
    });
    let text = '';
    stream.on('content', (delta) => {
      text += delta;
    });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]?.message.content).toBe(text);
    expect(text).not.toBe('');
    await expectBooked(caller, await stream.totalUsage());
  });

  test('tools in a whole answer', async () => {
    const caller = await lab.openCaller();
    const answer = await caller.client.chat.completions.create({
      ...ASK,
      tools: [WEATHER],
      tool_choice: 'required',
    });
    const [choice] = answer.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message.tool_calls).toMatchObject([{ function: { name: 'get_weather' } }]);
    await expectBooked(caller, answer.usage);
  });

  test('two parallel tool calls in a stream keep their arguments apart', async () => {
    const caller = await lab.openCaller();
    lab.mock.script({ tool_calls: 2 });
    const stream = caller.client.chat.completions.stream({
      ...ASK,
      tools: [WEATHER],
      tool_choice: 'required',
      stream_options: { include_usage: true },
    });
    const { choices, usage } = await stream.finalChatCompletion();
    const calls = choices[0]?.message.tool_calls ?? [];
    expect(calls).toHaveLength(2);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    for (const call of calls) {
      expect(call.type === 'function' && JSON.parse(call.function.arguments)).toMatchObject({
        city: expect.any(String),
        days: expect.any(Number),
      });
    }
    await expectBooked(caller, usage);
  });

  test('the tool loop of the client: call, result, answer', async () => {
    const caller = await lab.openCaller();
    lab.mock.script({ tool_calls: 1 }, { tool_calls: 0, text: 'Sunny.' });
    const asked: string[] = [];
    const runner = caller.client.chat.completions.runTools({
      ...ASK,
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'The weather of a city.',
            parameters: WEATHER.type === 'function' ? (WEATHER.function.parameters ?? {}) : {},
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              asked.push(city);
              return 'sun';
            },
          },
        },
      ],
      tool_choice: 'required',
    });
    expect(await runner.finalContent()).toBe('Sunny.');
    expect(asked).toHaveLength(1);
    await expectBooked(caller, await runner.totalUsage(), 2);
  });
});

describe('the other endpoints', () => {
  test('embeddings travel as base64 by default and as numbers when asked', async () => {
    const caller = await lab.openCaller();
    const ask = { model: 'small', input: ['one text', 'another'] };
    const packed = await caller.client.embeddings.create(ask);
    expect(lab.mock.requests().at(-1)?.body).toContain('"encoding_format":"base64"');
    const plain = await caller.client.embeddings.create({ ...ask, encoding_format: 'float' });
    expect(packed.data.map(({ index }) => index)).toEqual([0, 1]);
    const [first, second] = packed.data.map(({ embedding }) => embedding);
    expect(first?.length).toBeGreaterThan(1);
    expect(first).not.toEqual(second);
    for (const [at, value] of (plain.data[0]?.embedding ?? []).entries()) {
      expect(first?.[at]).toBeCloseTo(value, 6);
    }
    const { total } = await caller.usage();
    expect(total).toMatchObject({
      requests: 2,
      errors: 0,
      input_tokens: packed.usage.prompt_tokens + plain.usage.prompt_tokens,
      output_tokens: 0,
      estimated: 0,
    });
  });

  test('models are listed and retrieved, those that the key may use', async () => {
    const { client } = await lab.openCaller();
    const names: string[] = [];
    for await (const { id } of client.models.list()) names.push(id);
    expect(names.toSorted()).toEqual(['limited', 'small']);
    expect(await client.models.retrieve('small')).toMatchObject({ id: 'small', object: 'model' });
    const restricted = await lab.openCaller('--models', 'sm*');
    expect((await restricted.client.models.list()).data.map(({ id }) => id)).toEqual(['small']);
  });

  test('completions, whole and streamed', async () => {
    const caller = await lab.openCaller();
    const ask = { model: 'small', prompt: 'Once upon a time' };
    const whole = await caller.client.completions.create(ask);
    expect(whole.choices[0]?.text).not.toBe('');
    let text = '';
    for await (const chunk of await caller.client.completions.create({ ...ask, stream: true }))
      text += chunk.choices[0]?.text ?? '';
    expect(text).not.toBe('');
    const { total } = await caller.usage();
    expect(total).toMatchObject({ requests: 2, errors: 0, estimated: 0 });
  });

  test('responses: whole, streamed, and through the strict helper', async () => {
    const caller = await lab.openCaller();
    const ask = { model: 'small', input: 'Say something short.' };
    const whole = await caller.client.responses.create(ask);
    expect(whole.output_text).not.toBe('');
    const types: string[] = [];
    for await (const { type } of await caller.client.responses.create({ ...ask, stream: true }))
      types.push(type);
    expect(types[0]).toBe('response.created');
    expect(types.at(-1)).toBe('response.completed');
    const final = await caller.client.responses.stream(ask).finalResponse();
    expect(final.output_text).not.toBe('');
    const { total } = await caller.usage();
    expect(total).toMatchObject({ requests: 3, errors: 0, estimated: 0 });
    expect(total.output_tokens).toBeGreaterThan(
      (whole.usage?.output_tokens ?? 0) + (final.usage?.output_tokens ?? 0),
    );
  });

  test('a recording goes through as the form that the client makes of it', async () => {
    const caller = await lab.openCaller();
    const file = new File([new Uint8Array([0, 1, 2, 255])], 'speech.wav');
    const { text } = await caller.client.audio.transcriptions.create({ model: 'small', file });
    expect(text).not.toBe('');
    expect((await caller.usage()).total).toMatchObject({ requests: 1, errors: 0 });
  });
});
