import type { GpuReading } from './gpu-source.ts';
import { loadNvml } from './nvml-load.ts';
import type { NvmlAnswer, NvmlAsk } from './nvml-message.ts';
import { type NvmlReader, openNvmlReader } from './nvml-reader.ts';

// The thread that calls NVML. Its calls cannot be interrupted, and with a GPU that fell off the bus
// they may never return: no request must wait behind one.

declare const self: Worker;

let reader: NvmlReader | undefined;

self.onmessage = ({ data: ask }: MessageEvent<NvmlAsk>) => {
  try {
    post({ ok: true, reading: answer(ask) });
  } catch (cause) {
    post({ ok: false, problem: cause instanceof Error ? cause.message : String(cause) });
  }
};

function answer(ask: NvmlAsk): GpuReading | null {
  switch (ask.op) {
    case 'open':
      reader = openNvmlReader(loadNvml(ask.library));
      return null;
    case 'read':
      if (reader === undefined) throw new Error('NVML is not open');
      return reader.read();
    case 'close':
      reader?.close();
      reader = undefined;
      return null;
  }
}

function post(answer: NvmlAnswer): void {
  self.postMessage(answer);
}
