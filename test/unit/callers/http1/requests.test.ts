import { describe, expect, test } from 'vitest';
import { openCallerConnectionLab } from '../../../support/caller-connection-lab.ts';
import { REQUEST_CASES } from '../../../support/request-cases.ts';

async function read(pieces: readonly string[]): Promise<string> {
  const lab = openCallerConnectionLab();
  for (const piece of pieces) {
    lab.receive(piece);
    // What a body resolves runs before the next bytes come.
    await undefined;
    await undefined;
  }
  await lab.settled();
  expect(lab.faults).toEqual([]);
  return lab.summary();
}

describe.each(REQUEST_CASES)('$name', ({ bytes, expected }) => {
  test('in one piece', async () => {
    expect(await read([bytes])).toBe(expected);
  });

  test('byte by byte', async () => {
    const step = bytes.length > 2_000 ? 97 : 1;
    const pieces: string[] = [];
    for (let at = 0; at < bytes.length; at += step) pieces.push(bytes.slice(at, at + step));
    expect(await read(pieces)).toBe(expected);
  });

  test('cut in two anywhere', async () => {
    const step = bytes.length > 2_000 ? 997 : 1;
    for (let at = 1; at < bytes.length; at += step) {
      expect(`cut at ${at}: ${await read([bytes.slice(0, at), bytes.slice(at)])}`).toBe(
        `cut at ${at}: ${expected}`,
      );
    }
  });
});
