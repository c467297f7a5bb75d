import { expect, test } from 'vitest';
import { type Progress, ReplyParser } from '../../../../src/backends/http1/reply-parser.ts';
import { openClientLab } from '../../../support/client-lab.ts';
import { createRecordingReader } from '../../../support/recording-reader.ts';
import { REPLY_CASES } from '../../../support/reply-cases.ts';
import { createSeededRandom, type SeededRandom } from '../../../support/seeded-random.ts';

const SEEDS = REPLY_CASES.map(({ bytes }) => bytes).filter(({ length }) => length < 1_000);
/** What framing is made of, so that mutants get deep before they fail. */
const PIECES = ['\r\n', '\r', '\n', '\0', ' ', '\t', ':', ';', ',', '0', 'F', '-', '\xff'].concat([
  'transfer-encoding: chunked\r\n',
  'content-length: 3\r\n',
  'connection: close\r\n',
  'HTTP/1.1 100 \r\n\r\n',
  'HTTP/1.1 200 OK\r\n',
  '0\r\n\r\n',
  '3\r\nabc\r\n',
  'FFFFFFFFFFFF\r\n',
]);

function mutate(random: SeededRandom): string {
  let text = random.pick(SEEDS);
  for (let count = random.int(4); count >= 0; count--) {
    const at = random.int(text.length + 1);
    const removed = random.int(3) === 0 ? random.int(8) : 0;
    const added =
      random.int(4) === 0 ? random.pick(SEEDS).slice(random.int(20)) : random.pick(PIECES);
    text = text.slice(0, at) + (random.int(5) === 0 ? '' : added) + text.slice(at + removed);
  }
  return text;
}

/** What a parser makes of the bytes when they come in pieces of 1 to `pieceMax`. */
function read(text: string, random: SeededRandom, pieceMax: number) {
  const reader = createRecordingReader();
  const parser = new ReplyParser();
  parser.begin(false);
  const bytes = Buffer.from(text, 'latin1');
  let progress: Progress = 'more';
  let at = 0;
  while (at < bytes.length && progress === 'more') {
    const end = Math.min(bytes.length, at + 1 + random.int(pieceMax));
    progress = parser.feed(Buffer.from(bytes.subarray(at, end)), reader);
    at = end;
  }
  if (progress === 'more') progress = parser.finish();
  expect(reader.violations).toEqual([]);
  return { body: reader.body.toString('latin1'), progress };
}

test('six thousand mutants are read the same in any pieces, and always to an end', () => {
  const random = createSeededRandom(20_261_120);
  const endings = new Map<Progress, number>();
  for (let count = 0; count < 6_000; count++) {
    const text = mutate(random);
    const whole = read(text, random, 100_000);
    expect(whole.progress).not.toBe('more');
    expect({ text, ...read(text, random, 7) }).toEqual({ text, ...whole });
    endings.set(whole.progress, (endings.get(whole.progress) ?? 0) + 1);
  }
  // Otherwise the mutants are too broken, or not broken enough, to prove anything.
  expect(endings.get('done')).toBeGreaterThan(400);
  expect(endings.get('broken')).toBeGreaterThan(400);
});

test('five hundred mutants over sockets end in exactly one callback each', async () => {
  const lab = openClientLab();
  const backend = await lab.backend();
  const random = createSeededRandom(7);
  for (let count = 0; count < 500; count++) {
    const { reader, sending } = lab.send(backend.url);
    // A fresh connection each: what a mutant leaves behind must not answer the next request.
    expect(sending.reusedConnection).toBe(false);
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    const text = mutate(random);
    const cut = random.int(text.length + 1);
    peer.write(text.slice(0, cut));
    peer.write(text.slice(cut));
    if (random.int(4) === 0) peer.reset();
    else peer.end();
    await reader.ending;
    await peer.gone;
    await lab.until(() => lab.client.stats()[0]?.open === 0);
    expect(reader.endings).toBe(1);
  }
  expect(lab.watchdog.size).toBe(0);
  expect(await lab.close()).toEqual([]);
});
