import type { ContentRecorder } from '../../../src/gateway/ports.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** Keeps nothing, but takes its time over it, and loses some. */
export function createSlowContent(
  random: SeededRandom,
  known: ReadonlyMap<string, { isCaptured: boolean }>,
  soon: (work: () => void) => void,
): ContentRecorder {
  return {
    isFailing: false,
    begin({ requestId }) {
      const request = known.get(requestId);
      if (random.int(8) === 0 || request === undefined) return undefined;
      request.isCaptured = true;
      const reference = random.int(5) === 0 ? null : new Uint8Array(32).fill(7);
      return {
        request: () => {},
        answer: () => {},
        finish: () => new Promise((resolve) => soon(() => resolve(reference))),
        abandon: () => {},
      };
    },
  };
}
