import type { GpuReading, GpuSource } from './gpu-source.ts';
import { NVML_LIBRARY } from './nvml-library.ts';
import type { NvmlAnswer, NvmlAsk } from './nvml-message.ts';

const EVERY_MS = 1_000;

/**
 * NVML, called in a thread of its own: the event loop pays for one small message a second. The
 * first reading opens the library, which takes up to seconds where no driver daemon keeps the GPUs
 * awake.
 */
export function openNvmlSource(library: string = NVML_LIBRARY): GpuSource {
  // The build lists the worker as an entrypoint with a flat name.
  const url = new URL('./nvml-worker.ts', import.meta.url).href;
  const worker = new Worker(url, { name: 'llmgate gpu', smol: true });
  worker.unref();
  let waiting: { resolve(reading: GpuReading | null): void; reject(cause: Error): void } | null =
    null;
  let isOpen = false;
  let ended: string | null = null;

  const fail = (problem: string) => {
    ended = problem;
    waiting?.reject(new Error(problem));
    waiting = null;
  };
  worker.addEventListener('message', ({ data }: MessageEvent<NvmlAnswer>) => {
    if (data.ok) waiting?.resolve(data.reading);
    else waiting?.reject(new Error(data.problem));
    waiting = null;
  });
  worker.addEventListener('error', (event) => fail(event.message));
  worker.addEventListener('close', () => fail('the thread ended'));

  function ask(question: NvmlAsk): Promise<GpuReading | null> {
    if (ended !== null) return Promise.reject(new Error(ended));
    return new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      worker.postMessage(question);
    });
  }

  return {
    name: 'nvml',
    everyMs: EVERY_MS,
    async read() {
      if (!isOpen) await ask({ op: 'open', library });
      isOpen = true;
      const reading = await ask({ op: 'read' });
      if (reading === null) throw new Error('the thread gave no reading');
      return reading;
    },
    close() {
      if (ended !== null) return;
      fail('it was closed');
      // Asked first: NVML counts who has initialised it, and starts afresh only at zero. A thread
      // whose call never returns is left to itself.
      worker.addEventListener('message', () => worker.terminate());
      worker.postMessage({ op: 'close' } satisfies NvmlAsk);
    },
  };
}
