import { describe, expect, test } from 'vitest';
import { callMock, renderPost } from '../../support/mock-caller.ts';
import { startTestMock, type TestMock } from '../../support/start-mock.ts';

const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

describe('answers', () => {
  test('are the same for the same prompt, others for another prompt or seed', async () => {
    const answer = async (mock: TestMock, content: string) => {
      const reply = await mock.chat({ messages: [{ role: 'user', content }] });
      const { choices } = (await reply.json()) as { choices: { message: { content: string } }[] };
      return choices[0]?.message.content;
    };
    await using one = await startTestMock({ seed: 1 });
    await using two = await startTestMock({ seed: 2 });
    const said = await answer(one, 'hello');
    expect(await answer(one, 'hello')).toBe(said);
    expect(await answer(one, 'hello!')).not.toBe(said);
    expect(await answer(two, 'hello')).not.toBe(said);
  });

  test('stay in the context, or are refused in the words of vLLM', async () => {
    await using mock = await startTestMock({ contextTokens: 10, behaviour: { tokens: 50 } });
    const content = 'one two three';
    const messages = [{ role: 'user', content }];
    const reply = await mock.chat({ messages });
    expect(await reply.json()).toMatchObject({
      usage: { completion_tokens: 7 },
      choices: [{ finish_reason: 'length' }],
    });
    const refused = await mock.chat({ messages, max_tokens: 8 });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('maximum context length is 10 tokens');
  });

  test('go on to max_tokens with ignore_eos, as load tests want', async () => {
    await using mock = await startTestMock({ behaviour: { tokens: 5 } });
    const length = async (fields: object) => {
      await mock.chat(fields);
      return mock.requests().at(-1)?.tokens_sent;
    };
    expect(await length({ max_tokens: 40 })).toBe(5);
    expect(await length({ max_tokens: 40, ignore_eos: true })).toBe(40);
    expect(await length({ ignore_eos: true })).toBe(5);
  });

  test('begin with the first token, or with early_head at once', async () => {
    await using mock = await startTestMock();
    const request = (behaviour: object) =>
      renderPost(
        '/v1/chat/completions',
        { ...chat, stream: true },
        { 'x-mock': JSON.stringify({ ttft_ms: 1e6, ...behaviour }) },
      );
    const early = callMock(mock.port, request({ early_head: true }));
    await early.until(/200 OK[\s\S]*\r\n\r\n$/);
    const usual = callMock(mock.port, request({}));
    await mock.untilRequests(2);
    expect(mock.requests().map(({ status }) => status)).toEqual([200, null]);
    early.leave();
    usual.leave();
  });

  test('a caller who invents model names does not fill the metrics', async () => {
    await using mock = await startTestMock();
    for (let i = 0; i < 70; i++) await mock.chat({ model: `m${i}` });
    const metrics = await (await fetch(`${mock.url}/metrics`)).text();
    expect(metrics.match(/^vllm:prompt_tokens_total/gm)).toHaveLength(65);
    expect(metrics).toContain('vllm:prompt_tokens_total{engine="0",model_name="other"} 21\n');
  });

  test('fail as often as asked, the same ones for the same seed', async () => {
    const statuses = async () => {
      await using mock = await startTestMock({
        seed: 7,
        behaviour: { fail_rate: 0.3, fail_status: 503 },
      });
      const all: number[] = [];
      for (let i = 0; i < 100; i++) all.push((await mock.chat()).status);
      return all;
    };
    const first = await statuses();
    expect(await statuses()).toEqual(first);
    const failed = first.filter((status) => status === 503).length;
    expect(failed).toBeGreaterThan(15);
    expect(failed).toBeLessThan(45);
  });

  test('the tokens that the metrics count are the tokens that were sent', async () => {
    await using mock = await startTestMock();
    await mock.chat({}, { tokens: 5 });
    await (await mock.chat({ stream: true, n: 2 }, { tokens: 7 })).text();
    const metrics = await (await fetch(`${mock.url}/metrics`)).text();
    const labels = 'engine="0",model_name="m"';
    for (const line of [
      `vllm:prompt_tokens_total{${labels}} 6`,
      `vllm:generation_tokens_total{${labels}} 19`,
      `vllm:request_success_total{${labels},finished_reason="stop"} 2`,
      `vllm:time_to_first_token_seconds_count{${labels}} 2`,
      `vllm:e2e_request_latency_seconds_bucket{${labels},le="+Inf"} 2`,
      `vllm:inter_token_latency_seconds_count{${labels}} 6`,
      `vllm:num_requests_running{${labels}} 0`,
      `vllm:kv_cache_usage_perc{${labels}} 0`,
    ]) {
      expect(metrics).toContain(`${line}\n`);
    }
  });
});
