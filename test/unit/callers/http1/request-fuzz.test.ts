import { expect, test } from 'vitest';
import { openCallerConnectionLab } from '../../../support/caller-connection-lab.ts';
import { REQUEST_CASES } from '../../../support/request-cases.ts';
import { createSeededRandom, type SeededRandom } from '../../../support/seeded-random.ts';

const SEEDS = REQUEST_CASES.map(({ bytes }) => bytes).filter(({ length }) => length < 1_000);
/** What framing is made of, so that mutants get deep before they fail. */
const PIECES = ['\r\n', '\r', '\n', '\0', ' ', '\t', ':', ';', ',', '0', 'F', '-', '\xff'].concat([
  'transfer-encoding: chunked\r\n',
  'content-length: 3\r\n',
  'Content-Length: 0\r\n',
  'connection: close\r\n',
  'expect: 100-continue\r\n',
  'host: a\r\n',
  'GET / HTTP/1.1\r\n',
  '0\r\n\r\n',
  '3\r\nabc\r\n',
  'FFFFFFFFFFFF\r\n',
]);

function mutate(random: SeededRandom): string {
  let text = random.pick(SEEDS);
  for (let count = random.int(4); count >= 0; count -= 1) {
    const at = random.int(text.length + 1);
    const removed = random.int(3) === 0 ? random.int(8) : 0;
    const added =
      random.int(4) === 0 ? random.pick(SEEDS).slice(random.int(20)) : random.pick(PIECES);
    text = text.slice(0, at) + (random.int(5) === 0 ? '' : added) + text.slice(at + removed);
  }
  return text;
}

/** What a connection makes of the bytes when they come in pieces of 1 to `pieceMax`. */
async function read(text: string, random: SeededRandom, pieceMax: number): Promise<string> {
  const lab = openCallerConnectionLab();
  let at = 0;
  while (at < text.length) {
    const end = at + 1 + random.int(pieceMax);
    lab.receive(text.slice(at, end));
    at = end;
    await undefined;
    await undefined;
  }
  await lab.settled();
  expect(lab.faults).toEqual([]);
  // Where the interim reply is written depends on how the bytes come.
  return lab.summary().replaceAll(/\b100 /g, '');
}

/** A few thousand here; `scripts/test` runs them all the time, so more add up. */
test.each([1, 2, 3, 4])('mutants are read the same however they are cut, seed %i', async (seed) => {
  const random = createSeededRandom(seed);
  for (let count = 0; count < 500; count += 1) {
    const text = mutate(random);
    const whole = await read(text, random, text.length);
    expect([text, await read(text, random, 4)]).toEqual([text, whole]);
  }
});
