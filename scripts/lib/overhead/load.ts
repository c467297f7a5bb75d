import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Way } from './processes.ts';

const PROMPT =
  'Write a short poem about the sea and the wind, and keep it under forty words, please.';

/** A chat request as bytes of HTTP/1.1. `mock` sets how the simulated backend behaves. */
export function renderRequest(way: Way, options: RequestOptions): Uint8Array {
  const body = renderBody(way, options);
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: 127.0.0.1:${way.port}`,
    `authorization: Bearer ${way.key}`,
    'content-type: application/json',
    `x-mock: ${JSON.stringify(options.mock)}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ].join('\r\n');
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

export interface RequestOptions {
  readonly stream: boolean;
  readonly mock: Readonly<Record<string, unknown>>;
  readonly promptBytes?: number;
  readonly maxTokens?: number;
}

function renderBody(way: Way, { stream, promptBytes, maxTokens = 64 }: RequestOptions): string {
  const content =
    promptBytes === undefined
      ? PROMPT
      : PROMPT.repeat(Math.ceil(promptBytes / PROMPT.length)).slice(0, promptBytes);
  return JSON.stringify({
    model: way.model,
    messages: [{ role: 'user', content }],
    max_tokens: maxTokens,
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
}

/** wrk at 32 connections for a time. Returns how many requests were answered with 200. */
export async function runWrk(way: Way, folder: string, seconds: number): Promise<number> {
  const script = join(folder, `${way.name}.lua`);
  const options = { stream: false, mock: { tokens: 8 } } as const;
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer ${way.key}"
wrk.headers["x-mock"] = ${JSON.stringify(JSON.stringify(options.mock))}
wrk.body = ${JSON.stringify(renderBody(way, options))}
`,
  );
  const url = `http://127.0.0.1:${way.port}/v1/chat/completions`;
  const wrk = Bun.spawn(['wrk', '-t1', '-c32', `-d${seconds}s`, '-s', script, url], {
    stdout: 'pipe',
  });
  const text = await new Response(wrk.stdout).text();
  await wrk.exited;
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(text);
  if (failed !== null) throw new Error(`${way.name}: ${failed[0]}`);
  return Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
}

export interface StreamsSeen {
  readonly frames: number;
  /** Milliseconds between frames, all streams together. */
  readonly gapsMs: readonly number[];
  readonly complete: number;
}

/** Streams at once, each on a connection of its own, read to their end. */
export async function runStreams(
  way: Way,
  count: number,
  options: RequestOptions,
): Promise<StreamsSeen> {
  const gapsMs: number[] = [];
  let frames = 0;
  let complete = 0;
  const request = renderRequest(way, options);
  await Promise.all(
    Array.from({ length: count }, async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      let lastMs = 0;
      let tail = '';
      await Bun.connect({
        hostname: '127.0.0.1',
        port: way.port,
        socket: {
          open: (socket) => void socket.write(request),
          data(socket, bytes) {
            const text = bytes.toString('latin1');
            const found = text.split('data: ').length - 1;
            if (found > 0) {
              const nowMs = performance.now();
              if (lastMs !== 0) gapsMs.push(nowMs - lastMs);
              lastMs = nowMs;
              frames += found;
            }
            tail = (tail + text).slice(-40);
            if (!tail.includes('[DONE]')) return;
            complete += 1;
            resolve();
            socket.end();
          },
          close: () => resolve(),
        },
      });
      await promise;
    }),
  );
  return { frames, gapsMs, complete };
}

/** Opens streams that stay open, and returns how to close them. */
export async function holdStreams(
  way: Way,
  count: number,
  options: RequestOptions,
): Promise<() => void> {
  const request = renderRequest(way, options);
  const sockets: { end(): void }[] = [];
  for (let opened = 0; opened < count; opened += 100) {
    await Promise.all(
      Array.from({ length: Math.min(100, count - opened) }, async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const socket = await Bun.connect({
          hostname: '127.0.0.1',
          port: way.port,
          socket: {
            open: (open) => void open.write(request),
            data: () => resolve(),
            close: () => resolve(),
          },
        });
        sockets.push(socket);
        await promise;
      }),
    );
  }
  return () => {
    for (const socket of sockets) socket.end();
  };
}

/** Round trips one after another on one connection; milliseconds each. */
export async function runSequential(
  way: Way,
  count: number,
  options: RequestOptions,
): Promise<number[]> {
  const request = renderRequest(way, options);
  const timesMs: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let startedMs = 0;
  let received = '';
  let unsent: Uint8Array = request;
  const send = (socket: { write(bytes: Uint8Array): number }) => {
    unsent = unsent.subarray(socket.write(unsent));
  };
  await Bun.connect({
    hostname: '127.0.0.1',
    port: way.port,
    socket: {
      open(socket) {
        startedMs = performance.now();
        send(socket);
      },
      drain: (socket) => send(socket),
      data(socket, bytes) {
        received += bytes.toString('latin1');
        const headEnd = received.indexOf('\r\n\r\n');
        const length = /content-length: (\d+)/i.exec(received)?.[1];
        if (headEnd === -1 || length === undefined) return;
        if (received.length < headEnd + 4 + Number(length)) return;
        if (!received.startsWith('HTTP/1.1 200')) reject(new Error(received.slice(0, 300)));
        timesMs.push(performance.now() - startedMs);
        received = '';
        if (timesMs.length === count) {
          resolve();
          socket.end();
          return;
        }
        startedMs = performance.now();
        unsent = request;
        send(socket);
      },
      close: () => reject(new Error(`${way.name} closed the connection`)),
    },
  });
  await promise;
  return timesMs;
}
