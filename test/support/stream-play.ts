import type { StreamReader, Wire } from '../../src/protocols/wire.ts';

/** What a caller would have got from a stream, and what the books would have learned. */
export interface Played {
  readonly reply: string;
  readonly ending: 'end' | 'fault' | 'none';
  readonly fault: { readonly code: string; readonly message: string } | null;
  readonly usage: StreamReader['usage'];
  readonly isUsageSound: boolean;
  readonly outputTokensCounted: number;
  readonly sawContent: boolean;
}

/** Plays a backend's stream, cut into `chunks`, through a reader as the gateway does. */
export function playStream(
  wire: Wire,
  usageRequested: boolean,
  chunks: readonly Uint8Array[],
): Played {
  const reader = wire.openStream({ usageRequested });
  const sent: Uint8Array[] = [];
  let ending: Played['ending'] = 'none';
  let fault: Played['fault'] = null;
  for (const chunk of chunks) {
    const step = reader.push(chunk);
    // Copied at once: what a reader hands out later must not change what it handed out before.
    if (step.forward !== null) sent.push(step.forward.slice());
    if (step.end !== null) {
      ending = 'end';
      sent.push(step.end.slice());
    }
    if (step.fault === null) continue;
    ending = 'fault';
    fault = { code: step.fault.code, message: step.fault.message };
    sent.push(wire.renderErrorFrame(step.fault, 'req_1'));
  }
  const { usage, isUsageSound, outputTokensCounted, sawContent } = reader;
  const reply = Buffer.concat(sent).toString();
  return { reply, ending, fault, usage, isUsageSound, outputTokensCounted, sawContent };
}

/** `bytes` in pieces of `size`. */
export function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
  return pieces;
}
