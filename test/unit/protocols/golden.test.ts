import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseJsonBody, spliceJson } from '../../../src/protocols/json-body.ts';
import { JSON_CAPS } from '../../../src/protocols/json-scan.ts';
import { findRoute } from '../../../src/protocols/route.ts';
import type { Wire } from '../../../src/protocols/wire.ts';
import { inPieces, type Played, playStream } from '../../support/stream-play.ts';

/*
 * Every case is a request, the stream a backend answered with, what the caller must get of it, and
 * what must be learned from it. UPDATE_GOLDEN=1 writes the last two anew; CI refuses that.
 */
const ROOT = resolve(import.meta.dirname, '../../golden/protocols');
const UPDATE = process.env['UPDATE_GOLDEN'] === '1' && process.env['CI'] === undefined;

const PATHS: Readonly<Record<string, string>> = {
  'openai-chat': '/v1/chat/completions',
  'openai-completions': '/v1/completions',
  'openai-responses': '/v1/responses',
  'anthropic-messages': '/v1/messages',
  'openai-images': '/v1/images/generations',
  'openai-speech': '/v1/audio/speech',
};

const cases = Object.keys(PATHS).flatMap((wire) =>
  readdirSync(`${ROOT}/${wire}`).map((name) => ({ wire, name, dir: `${ROOT}/${wire}/${name}` })),
);

function wireOf(name: string): Wire {
  const found = findRoute('POST', PATHS[name] ?? '');
  if (typeof found === 'string') throw new Error(`no route for ${name}`);
  return found.route.wire;
}

describe.each(cases)('$wire/$name', ({ wire: wireName, dir }) => {
  const wire = wireOf(wireName);
  const body = parseJsonBody(readFileSync(`${dir}/request.json`), JSON_CAPS);
  const call = wire.readCall(body);
  const stream = readFileSync(`${dir}/backend.sse`);
  const whole = playStream(wire, call.usageRequested, [stream]);

  test('reads the call and the stream', () => {
    const { reply, ...facts } = whole;
    const text = `${JSON.stringify({ call, ...facts }, null, 2)}\n`;
    if (UPDATE) {
      writeFileSync(`${dir}/reply.sse`, reply);
      writeFileSync(`${dir}/expect.json`, text);
    }
    expect(reply).toBe(readFileSync(`${dir}/reply.sse`, 'utf8'));
    expect(text).toBe(readFileSync(`${dir}/expect.json`, 'utf8'));
  });

  test('the same wherever the stream is cut', () => {
    for (let at = 1; at < stream.length; at++) {
      const cut = playStream(wire, call.usageRequested, [stream.slice(0, at), stream.slice(at)]);
      expect(cut, `cut at byte ${at}`).toEqual(whole);
    }
    for (const size of [1, 2, 3, 7]) {
      expect(playStream(wire, call.usageRequested, inPieces(stream, size))).toEqual(whole);
    }
  });

  test('the same with CRLF line ends, wherever it is cut', () => {
    const crlf = Buffer.from(stream.toString().replaceAll('\n', '\r\n'));
    const asLf = (played: Played) => ({ ...played, reply: played.reply.replaceAll('\r\n', '\n') });
    expect(asLf(playStream(wire, call.usageRequested, [crlf]))).toEqual(whole);
    for (let at = 1; at < crlf.length; at++) {
      const cut = playStream(wire, call.usageRequested, [crlf.slice(0, at), crlf.slice(at)]);
      expect(asLf(cut), `cut at byte ${at}`).toEqual(whole);
    }
  });

  test('the edits give the backend valid JSON that asks for usage', () => {
    const edited = JSON.parse(Buffer.from(spliceJson(body, call.edits)).toString());
    const wanted = call.edits.map((edit) => [edit.member, JSON.parse(edit.json)]);
    expect(edited).toEqual({ ...body.value, ...Object.fromEntries(wanted) });
  });
});
