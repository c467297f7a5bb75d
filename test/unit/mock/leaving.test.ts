import { describe, expect, test } from 'vitest';
import { callMock, renderPost } from '../../support/mock-caller.ts';
import { startTestMock } from '../../support/start-mock.ts';

const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };
const forEver = { tps: 0.001, tokens: 100 };

describe('a caller who leaves', () => {
  const leavings: [string, object, object, object][] = [
    ['between tokens', { stream: true }, { ttft_ms: 0, ...forEver }, { tokens_sent: 1 }],
    ['before the first token', { stream: true }, { ttft_ms: 1e6 }, { tokens_sent: 0 }],
    ['before a whole answer', {}, { ttft_ms: 1e6 }, { tokens_sent: 0, status: null }],
    ['in a stall', {}, { fault: { kind: 'stall' } }, { tokens_sent: 0, status: null }],
  ];
  test.each(leavings)('%s', async (_when, fields, behaviour, seen) => {
    await using mock = await startTestMock({ maxConcurrent: 1, maxQueued: 1 });
    const leave = new AbortController();
    const reply = mock.chat(fields, behaviour, { signal: leave.signal }).then(
      async (response) => void (await response.text()),
      () => {},
    );
    await mock.untilRequests(1);
    leave.abort();
    await mock.untilCallerLeft(1);
    await reply.catch(() => {});
    expect(mock.requests()[0]).toMatchObject({ ended_by: 'caller_left', ...seen });
    expect(mock.stats()).toMatchObject({
      in_flight: 0,
      completed: 0,
      left_by_caller: 1,
      streams_left_by_caller: 'stream' in fields ? 1 : 0,
    });
    // The only place is free again.
    expect((await mock.chat()).status).toBe(200);
  });

  test('gets no more tokens, and neither do the counts', async () => {
    await using mock = await startTestMock();
    const leave = new AbortController();
    const behaviour = { tps: 500, tokens: 1000 };
    const reply = await mock.chat({ stream: true }, behaviour, { signal: leave.signal });
    await reply.body?.getReader().read();
    leave.abort();
    await mock.untilCallerLeft(1);
    const [left] = mock.requests();
    // Long enough for many more tokens at that rate.
    await mock.chat({}, { ttft_ms: 30, tokens: 0 });
    expect(mock.requests()[0]).toEqual(left);
    expect(mock.stats()).toMatchObject({ completion_tokens: left?.tokens_sent, left_by_caller: 1 });
  });

  test('while reading slowly: what was made is bounded by what it takes', async () => {
    await using mock = await startTestMock();
    const tokens = 80_000;
    const caller = callMock(mock.port, '');
    caller.pause();
    caller.write(
      renderPost(
        '/v1/chat/completions',
        { ...chat, stream: true },
        {
          'x-mock': JSON.stringify({ tokens }),
        },
      ),
    );
    await mock.untilRequests(1);
    const made = mock.stats().completion_tokens;
    expect(made).toBeLessThan(tokens / 2);
    caller.resume();
    await caller.until('data: [DONE]');
    await mock.untilIdle();
    expect(mock.requests()[0]).toMatchObject({ ended_by: 'complete', tokens_sent: tokens });
    const words = caller.text.match(/"content":"[^"]+"/g) ?? [];
    expect(words).toHaveLength(tokens);
    caller.leave();
  });
});

describe('the batch', () => {
  test('requests past --max-concurrent wait in order; past the queue 503', async () => {
    await using mock = await startTestMock({ maxConcurrent: 1, maxQueued: 2 });
    const leave = new AbortController();
    const first = mock.chat({}, { ttft_ms: 1e6 }, { signal: leave.signal }).catch(() => {});
    await mock.untilRequests(1);
    const second = mock.chat({}, { ttft_ms: 20 });
    await mock.untilRequests(2);
    const third = mock.chat();
    await mock.untilRequests(3);
    expect((await mock.chat()).status).toBe(503);
    expect(mock.stats()).toMatchObject({ in_flight: 3, queued: 2 });
    const gauges = async () => {
      const metrics = await (await fetch(`${mock.url}/metrics`)).text();
      return metrics.match(/(?<=^vllm:num_requests_.*"m"} ).*/gm)?.map(Number);
    };
    expect(await gauges()).toEqual([1, 2]);
    leave.abort();
    await first;
    await mock.untilCallerLeft(1);
    expect(await gauges()).toEqual([1, 1]);
    expect([(await second).status, (await third).status]).toEqual([200, 200]);
    expect(mock.stats()).toMatchObject({ in_flight: 0, queued: 0, completed: 2, refused: 1 });
  });

  test('who leaves the queue is forgotten', async () => {
    await using mock = await startTestMock({ maxConcurrent: 1 });
    const leave = new AbortController();
    const first = mock.chat({}, { ttft_ms: 1e6 }, { signal: leave.signal }).catch(() => {});
    await mock.untilRequests(1);
    const leaveQueue = new AbortController();
    const second = mock.chat({}, {}, { signal: leaveQueue.signal }).catch(() => {});
    await mock.untilRequests(2);
    leaveQueue.abort();
    await second;
    await mock.untilCallerLeft(1);
    expect(mock.stats()).toMatchObject({ in_flight: 1, queued: 0 });
    // The place in the batch is still taken.
    const third = mock.chat();
    await mock.untilRequests(3);
    expect(mock.stats()).toMatchObject({ in_flight: 2, queued: 1 });
    leave.abort();
    await first;
    expect((await third).status).toBe(200);
  });
});
