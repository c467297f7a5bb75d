import OpenAI, { toFile } from 'openai';
import { describe, expect, test } from 'vitest';
import { startTestMock, type TestMock } from '../../support/start-mock.ts';

// The official SDK checks streams far more strictly than a reader of `delta.content` would.

const messages = [{ role: 'user' as const, content: 'one two three' }];
const parameters = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
};
const tool = { name: 'weather', parameters };

function connect(mock: TestMock, behaviour: object = {}): OpenAI {
  return new OpenAI({
    baseURL: `${mock.url}/v1`,
    apiKey: 'sk-any',
    maxRetries: 0,
    defaultHeaders: { 'x-mock': JSON.stringify(behaviour) },
  });
}

describe('chat', () => {
  test('the stream says what the whole answer says, and counts it the same', async () => {
    await using mock = await startTestMock();
    const openai = connect(mock, { tokens: 9, cached_tokens: 2, reasoning_tokens: 3 });
    const whole = await openai.chat.completions.create({ model: 'm', messages });
    const stream = openai.chat.completions.stream({
      model: 'm',
      messages,
      stream_options: { include_usage: true },
    });
    expect(await stream.finalContent()).toBe(whole.choices[0]?.message.content);
    expect(await stream.totalUsage()).toEqual(whole.usage);
    expect(whole.usage).toEqual({
      prompt_tokens: 3,
      completion_tokens: 12,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 3 },
    });
    expect(whole.choices[0]?.message.content?.split(' ')).toHaveLength(9);
  });

  test('every choice of n is a stream of its own', async () => {
    await using mock = await startTestMock();
    const stream = connect(mock, { tokens_per_chunk: 3 }).chat.completions.stream({
      model: 'm',
      messages,
      n: 3,
      max_completion_tokens: 5,
    });
    const { choices } = await stream.finalChatCompletion();
    expect(choices.map(({ finish_reason }) => finish_reason)).toEqual([
      'length',
      'length',
      'length',
    ]);
    const texts = choices.map(({ message }) => message.content);
    expect(new Set(texts).size).toBe(3);
    for (const text of texts) expect(text?.split(' ')).toHaveLength(5);
  });

  test.each([1, 2])('%d tool calls, whole and streamed', async (count) => {
    await using mock = await startTestMock();
    const openai = connect(mock, { tool_calls: count });
    const request = {
      model: 'm',
      messages,
      tools: [{ type: 'function' as const, function: tool }],
      tool_choice: 'required' as const,
    };
    const whole = await openai.chat.completions.create(request);
    const calls = whole.choices[0]?.message.tool_calls ?? [];
    expect(calls).toHaveLength(count);
    expect(whole.choices[0]?.finish_reason).toBe('tool_calls');
    const streamed = await openai.chat.completions.stream(request).finalMessage();
    expect(streamed.tool_calls).toMatchObject(calls);
    const first = calls[0];
    if (first?.type !== 'function') throw new Error('no function call');
    expect(JSON.parse(first.function.arguments)).toEqual({
      city: expect.any(String),
      days: expect.any(Number),
    });
  });

  test('only the first delta of a call names it, and indexes count from 0', async () => {
    await using mock = await startTestMock();
    const stream = await connect(mock, { tool_calls: 2 }).chat.completions.create({
      model: 'm',
      messages,
      stream: true,
      tools: [{ type: 'function', function: tool }],
      tool_choice: 'required',
    });
    const named: (number | undefined)[] = [];
    let deltas = 0;
    for await (const { choices } of stream) {
      for (const delta of choices[0]?.delta.tool_calls ?? []) {
        deltas++;
        if (delta.id !== undefined || delta.function?.name !== undefined) named.push(delta.index);
      }
    }
    expect(named).toEqual([0, 1]);
    expect(deltas).toBeGreaterThan(2);
  });

  test('says the magic words, gets a call; without them text', async () => {
    await using mock = await startTestMock();
    const tools = [{ type: 'function' as const, function: tool }];
    const ask = async (content: string) => {
      const reply = await connect(mock).chat.completions.create({
        model: 'm',
        messages: [{ role: 'user', content }],
        tools,
      });
      return reply.choices[0]?.finish_reason;
    };
    expect(await ask('Please use the tool.')).toBe('tool_calls');
    expect(await ask('Please talk.')).toBe('stop');
  });

  test('errors become the classes that callers catch', async () => {
    await using mock = await startTestMock({ models: ['real'], apiKey: 'sk-any' });
    const create = (model: string, fault?: object) =>
      connect(mock, fault === undefined ? {} : { fault }).chat.completions.create({
        model,
        messages,
      });
    await expect(create('real', { kind: 'rate_limit' })).rejects.toThrow(OpenAI.RateLimitError);
    await expect(create('real', { kind: 'server_error' })).rejects.toThrow(
      OpenAI.InternalServerError,
    );
    await expect(create('real', { kind: 'context_length' })).rejects.toThrow(
      OpenAI.BadRequestError,
    );
    await expect(create('other')).rejects.toThrow(OpenAI.NotFoundError);
    const stranger = connect(mock).withOptions({ apiKey: 'sk-other' });
    await expect(stranger.chat.completions.create({ model: 'real', messages })).rejects.toThrow(
      OpenAI.AuthenticationError,
    );
    const cut = connect(mock, { fault: { kind: 'error_frame', after_tokens: 2 } });
    const stream = cut.chat.completions.stream({ model: 'real', messages });
    await expect(stream.finalContent()).rejects.toThrow('mock fault');
  });
});

describe('responses', () => {
  const input = 'one two three';

  test('text: the stream ends in the whole response', async () => {
    await using mock = await startTestMock();
    const openai = connect(mock, { tokens: 6, reasoning_tokens: 2 });
    const whole = await openai.responses.create({ model: 'm', input });
    const streamed = await openai.responses.stream({ model: 'm', input }).finalResponse();
    expect(streamed.output_text).toBe(whole.output_text);
    expect(streamed.usage).toEqual(whole.usage);
    expect(whole.usage).toMatchObject({ input_tokens: 3, output_tokens: 8, total_tokens: 11 });
    expect(whole.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
  });

  test('a function call, and an answer that is cut', async () => {
    await using mock = await startTestMock();
    const openai = connect(mock);
    const { output } = await openai.responses
      .stream({
        model: 'm',
        input: 'use the tool',
        tools: [{ type: 'function', strict: false, ...tool }],
      })
      .finalResponse();
    expect(output).toMatchObject([{ type: 'function_call', name: 'weather', status: 'completed' }]);
    const cut = await openai.responses.create({ model: 'm', input, max_output_tokens: 4 });
    expect(cut).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 4 },
    });
  });

  test('sequence numbers rise by one', async () => {
    await using mock = await startTestMock();
    const stream = await connect(mock).responses.create({ model: 'm', input, stream: true });
    const numbers: number[] = [];
    for await (const event of stream) numbers.push(event.sequence_number);
    expect(numbers).toEqual(numbers.map((_, i) => i));
  });
});

describe('the other endpoints', () => {
  test('completions', async () => {
    await using mock = await startTestMock();
    const openai = connect(mock);
    const request = { model: 'm', prompt: 'one two', max_tokens: 4 };
    const whole = await openai.completions.create(request);
    const stream = await openai.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: unknown;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]?.text);
    expect(usage).toEqual(whole.usage);
    expect(whole.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 4 });
  });

  test('embeddings: floats and base64 are the same unit vector', async () => {
    await using mock = await startTestMock();
    const { embeddings } = connect(mock);
    const input = ['one two', 'three'];
    // Without an encoding the SDK asks for base64 and decodes it.
    const packed = await embeddings.create({ model: 'm', input, dimensions: 8 });
    const plain = await embeddings.create({
      model: 'm',
      input,
      dimensions: 8,
      encoding_format: 'float',
    });
    expect(packed.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    for (const [i, { embedding }] of packed.data.entries()) {
      expect(embedding).toHaveLength(8);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
      for (const [at, value] of embedding.entries()) {
        expect(plain.data[i]?.embedding[at]).toBeCloseTo(value, 5);
      }
    }
  });

  test('models', async () => {
    await using mock = await startTestMock({ models: ['a', 'b/c'] });
    const { models } = connect(mock);
    const ids: string[] = [];
    for await (const model of models.list()) ids.push(model.id);
    expect(ids).toEqual(['a', 'b/c']);
    expect(await models.retrieve('b/c')).toMatchObject({ id: 'b/c', object: 'model' });
    await expect(models.retrieve('none')).rejects.toThrow(OpenAI.NotFoundError);
  });

  test('moderations, images, audio', async () => {
    await using mock = await startTestMock();
    const openai = connect(mock, { tokens: 3 });
    const { results } = await openai.moderations.create({ input: ['kind', 'violence'] });
    expect(results.map(({ flagged }) => flagged)).toEqual([false, true]);
    const image = await openai.images.generate({ model: 'm', prompt: 'a red cat', n: 2 });
    expect(image.data).toHaveLength(2);
    expect(image.usage).toMatchObject({ input_tokens: 3, output_tokens: 544 });
    const edited = await openai.images.edit({
      model: 'm',
      prompt: 'bluer now',
      image: await toFile(new Uint8Array(100), 'cat.png', { type: 'image/png' }),
    });
    expect(edited.usage).toMatchObject({ input_tokens: 2 });
    const speech = await openai.audio.speech.create({
      model: 'm',
      voice: 'alloy',
      input: 'one two',
      response_format: 'wav',
    });
    expect(
      Buffer.from(await speech.arrayBuffer())
        .subarray(0, 4)
        .toString(),
    ).toBe('RIFF');
    const heard = await openai.audio.transcriptions.create({
      model: 'whisper',
      file: await toFile(new Uint8Array(20_000), 'talk.wav'),
    });
    expect(heard.text.split(' ')).toHaveLength(3);
    expect(mock.requests().at(-1)).toMatchObject({
      model: 'whisper',
      prompt_tokens: 0,
      tokens_sent: 3,
    });
  });
});
