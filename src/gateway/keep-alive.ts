import type { Exchange } from './exchange.ts';
import { eventStreamHeaders } from './meter.ts';

/**
 * A caller who asked for a stream and waits long hears from us: the head of the answer, and then a
 * comment every so often, with `words` that say what for. Everybody else just waits.
 */
export async function whileAlive<T>(
  exchange: Exchange,
  wait: Promise<T>,
  words: () => string,
): Promise<T> {
  const { keepAliveMs } = exchange.generation.queue;
  const wantsStream = exchange.call?.shape.stream === true;
  if (keepAliveMs === null || !wantsStream) return wait;
  const { after } = exchange.gate;
  const speak = () => {
    exchange.keepAlive(() => eventStreamHeaders(exchange), words());
    stopTimer = after(keepAliveMs, speak);
  };
  let stopTimer = after(keepAliveMs, speak);
  try {
    return await wait;
  } finally {
    stopTimer();
  }
}
