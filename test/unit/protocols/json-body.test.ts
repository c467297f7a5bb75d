import { describe, expect, test } from 'vitest';
import { parseJsonBody, spliceJson } from '../../../src/protocols/json-body.ts';
import { JSON_CAPS, type JsonCaps } from '../../../src/protocols/json-scan.ts';
import { neutralText } from '../../../src/protocols/neutral-text.ts';
import { randomJsonObject } from '../../support/random-json.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';
import { thrownBy } from '../../support/thrown.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (text: string, caps: JsonCaps = JSON_CAPS) => parseJsonBody(bytes(text), caps);
const splice = (text: string, edits: Readonly<Record<string, string>>) => {
  const list = Object.entries(edits).map(([member, json]) => ({ member, json }));
  return Buffer.from(spliceJson(parse(text), list)).toString();
};
const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

describe('bodies that are not one JSON object', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['empty', '', 'The body is empty'],
    ['blank', ' \n\t ', 'The body is empty'],
    ['null', 'null', 'must be a JSON object'],
    ['a list', '[]', 'must be a JSON object'],
    ['a string', '"model"', 'must be a JSON object'],
    ['not JSON', 'model=tiny', 'must be a JSON object'],
    ['a byte order mark', '\ufeff{}', 'byte order mark'],
    ['UTF-16 with a mark', Buffer.from('\ufeff{}', 'utf16le'), 'must be UTF-8'],
    ['UTF-16 without one', Buffer.from('{}', 'utf16le'), 'must be UTF-8'],
    ['UTF-16 big endian', Uint8Array.of(0, 0x7b, 0, 0x7d), 'must be UTF-8'],
    ['NUL after the object', '{}\0', 'more after the end'],
    ['NUL before a name', '{\0"a":1}', 'must be UTF-8'],
    ['raw NUL in a string', '{"a":"\0"}', 'a raw control character'],
    ['raw line feed in a string', '{"a":"\n"}', 'a bad escape at byte 6'],
    ['unknown escape', '{"a":"\\q"}', 'a bad escape at byte 6'],
    ['short unicode escape', '{"a":"\\u12"}', 'a bad escape at byte 6'],
    ['bad escape in a name', '{"a\\q":1}', 'an escape that is not JSON'],
    ['invalid UTF-8', Buffer.from('{"a":"\xff"}', 'latin1'), 'not valid UTF-8, at byte 6'],
    ['UTF-8 cut short', Uint8Array.of(0x7b, 0x22, 0xc3, 0x22, 0x3a, 0x31, 0x7d), 'byte 2'],
    ['overlong UTF-8', Buffer.from('{"a":"\xc0\xaf"}', 'latin1'), 'not valid UTF-8, at byte 6'],
    ['trailing bytes', '{"a":1} x', 'more after the end of the JSON object, at byte 8'],
    ['two objects', '{"a":1}{"a":2}', 'more after the end'],
    ['cut off', '{"a":[1,{"b":"c"', 'A comma or the end'],
    ['cut in a string', '{"a":"b', 'A string is not closed'],
    ['cut after an escape', '{"a":"b\\"}', 'A string is not closed'],
    ['cut in a word', '{"a":tru', 'A JSON value is expected, at a (byte 5)'],
    ['NaN', '{"a":{"b":[0,NaN]}}', 'A JSON value is expected, at a.b[1] (byte 13)'],
    ['a leading zero', '{"a":01}', 'a number is not well formed at byte 5'],
    ['a plus', '{"a":+1}', 'not valid JSON'],
    ['a bare minus', '{"a":-}', 'a number is not well formed at byte 5'],
    ['a fraction without digits', '{"a":1.}', 'a number is not well formed at byte 5'],
    ['an exponent without digits', '{"a":1e+}', 'a number is not well formed at byte 5'],
    ['two points', '{"a":1.5.2}', 'a number is not well formed at byte 5'],
    ['a good number, then a bad one', '{"a":-0.5e-3,"b":1-1}', 'not well formed at byte 17'],
    ['a digit that is not hexadecimal', '{"a":"\\u00g0"}', 'a bad escape at byte 6'],
    ['a comment', '{/**/"a":1}', 'A member name'],
    ['a trailing comma', '{"a":1,}', 'A member name'],
    ['a trailing comma in a list', '{"a":[1,]}', 'A JSON value is expected, at a[1]'],
    ['single quotes', "{'a':1}", 'A member name'],
    ['a missing colon', '{"a" 1}', 'A colon is expected, at a'],
    ['a missing value', '{"a":}', 'A JSON value is expected, at a'],
    ['crossed brackets', '{"a":[1}}', 'A comma or the end'],
  ])('%s', (_name, body, message) => {
    const raw = typeof body === 'string' ? bytes(body) : body;
    const error = thrownBy(() => parseJsonBody(raw, JSON_CAPS));
    expect(error.code).toBe('invalid_json');
    expect(error.message).toContain(message);
  });
});

describe('caps', () => {
  test('depth 64 is read, 65 and 100,000 are not', () => {
    expect(parse(nested(64)).value).toHaveProperty('a');
    for (const depth of [65, 100_000]) {
      const error = thrownBy(() => parse(nested(depth)));
      expect(error).toMatchObject({ code: 'invalid_json' });
      expect(error.message).toContain('deeper than 64 levels');
    }
  });

  test('members, wherever they are', () => {
    const caps = { ...JSON_CAPS, maxMembers: 4 };
    expect(parse('{"a":{"b":1},"c":[{"d":1}]}', caps).value).toHaveProperty('c');
    expect(thrownBy(() => parse('{"a":{"b":1},"c":[{"d":1,"e":2}]}', caps)).message).toContain(
      'more than 4 members, at c[0].e',
    );
    const million = `{${Array.from({ length: 1_000_000 }, (_, i) => `"${i}":0`).join(',')}}`;
    expect(thrownBy(() => parse(million)).message).toContain('more than 100000 members');
  });

  test('array items, in all arrays together', () => {
    const caps = { ...JSON_CAPS, maxItems: 4 };
    expect(parse('{"a":[1,[2,3]]}', caps).value).toEqual({ a: [1, [2, 3]] });
    expect(thrownBy(() => parse('{"a":[1,[2,3]],"b":[4]}', caps)).message).toContain(
      'more than 4 array items, at b[0]',
    );
  });

  test('digits of a number', () => {
    expect(parse(`{"a":${'1'.repeat(1000)}}`).value).toHaveProperty('a');
    expect(thrownBy(() => parse(`{"a":${'1'.repeat(100_000)}}`)).message).toContain(
      'longer than 1000 digits, at a',
    );
  });

  test('a name of ten megabytes does not end up in the message', () => {
    const error = thrownBy(() => parse(`{"${'k'.repeat(10_000_000)}":?}`));
    expect(error.message.length).toBeLessThan(200);
  });

  test('control characters of a name do not end up in the message', () => {
    const error = thrownBy(() => parse('{"\u001b]52;c;\u0007 \u202ex":?}'));
    expect(error.message).toBe(neutralText(error.message, 1_000));
  });
});

describe('members that two parsers could read differently', () => {
  test.each([
    ['twice', '{"model":"a","model":"b"}', 'model'],
    ['twice, one escaped', '{"model":"a","mod\\u0065l":"b"}', 'appears twice'],
    ['twice by case, as Go reads it', '{"model":"a","MODEL":"b"}', 'MODEL'],
    ['twice by long s', '{"stream":true,"\u017ftream":false}', 'appears twice'],
    ['twice by Kelvin sign', '{"k":1,"\u212a":2}', 'appears twice'],
    ['__proto__', '{"messages":[{"__proto__":{}}]}', 'messages[0].__proto__'],
    ['__proto__, escaped', '{"\\u005f_proto__":{}}', 'not allowed'],
    ['constructor.prototype', '{"a":{"constructor":{"x":1,"prototype":{}}}}', 'a.constructor'],
  ])('%s', (_name, body, message) => {
    const error = thrownBy(() => parse(body));
    expect(error.code).toBe('invalid_json');
    expect(error.message).toContain(message);
  });

  test.each([
    ['a name twice further down', '{"a":{"b":1,"b":2}}'],
    ['constructor alone', '{"constructor":{"a":1},"prototype":1}'],
    ['prototype further down', '{"constructor":[{"prototype":1}]}'],
  ])('allowed: %s', (_name, body) => {
    expect(parse(body).value).toEqual(JSON.parse(body));
  });
});

describe('fields that would choose the backend', () => {
  test.each([
    ['{"api_base":"http://x"}', 'api_base'],
    ['{"API_KEY":"x"}', 'API_KEY'],
    ['{"a":{"b":[{"base_url":1}]}}', 'a.b[0].base_url'],
    ['{"messages":[{"role":"user","user_config":{}}]}', 'messages[0].user_config'],
    ['{"extra":{"\\u0063allback_url":"x"}}', 'extra.\\u0063allback_url'],
    ['{"\\u0061\\u0070\\u0069\\u005f\\u006b\\u0065\\u0079":1}', '\\u0061'],
  ])('%s', (body, path) => {
    const error = thrownBy(() => parse(body));
    expect(error.code).toBe('unsupported_field');
    expect(error.param).toContain(path);
  });

  test.each([
    '{"tools":[{"function":{"parameters":{"properties":{"api_key":{"type":"string"}}}}}]}',
    '{"messages":[{"content":[{"type":"tool_use","input":{"base_url":"x"}}]}]}',
    '{"response_format":{"json_schema":{"schema":{"properties":{"api_base":{}}}}}}',
    '{"metadata":{"callback_url":"x"}}',
    '{"input":[{"deep":[{"down":{"api_key":1}}]}]}',
    '{"model":"api_key","stop":["base_url"]}',
  ])('allowed in what a user writes: %s', (body) => {
    expect(parse(body).value).toEqual(JSON.parse(body));
  });
});

describe('spliceJson', () => {
  test('replaces a value and leaves every other byte alone', () => {
    const body = '{ "seed" : 12345678901234567890,\n "model":"a" , "x":  1.0 }';
    expect(splice(body, { model: '"b/c"' })).toBe(body.replace('"a"', '"b/c"'));
  });

  test('replaces values of every kind, in any order', () => {
    const body = '{"a":{"x":[1]},"b":[1,[2]],"c":true,"d":-1.5e3,"e":"\\"\\\\"}';
    expect(splice(body, { e: '5', c: '3', a: '1', d: '4', b: '2' })).toBe(
      '{"a":1,"b":2,"c":3,"d":4,"e":5}',
    );
  });

  test('adds what is not there', () => {
    expect(splice('{}', { a: '1', b: '{"c":2}' })).toBe('{"a":1,"b":{"c":2}}');
    expect(splice(' { "a" : 1 } ', { a: '2', 'é"': 'null' })).toBe(' { "a" : 2 ,"é\\"":null} ');
  });

  test('finds a member however its name is spelled', () => {
    expect(splice('{"mod\\u0065l":"a"}', { model: '"b"' })).toBe('{"mod\\u0065l":"b"}');
  });

  test('without edits it is the same bytes', () => {
    const body = parse('{"model":"a"}');
    expect(spliceJson(body, [])).toBe(body.bytes);
  });

  test('random bodies and edits: what is parsed afterwards is what was asked for', () => {
    const random = createSeededRandom(7);
    for (let round = 0; round < 3_000; round++) {
      const text = randomJsonObject(random);
      const body = parse(text);
      expect(body.value, text).toEqual(JSON.parse(text));
      const wanted = Object.fromEntries(
        ['model', 'ключ', 'n', 'new'].slice(random.int(4)).map((name) => [name, [round, '∞']]),
      );
      const edits = Object.entries(wanted).map(([member, value]) => ({
        member,
        json: JSON.stringify(value),
      }));
      const edited = Buffer.from(spliceJson(body, edits)).toString();
      expect(JSON.parse(edited), text).toEqual({ ...body.value, ...wanted });
    }
  });

  test('random damage: what is accepted is what JSON.parse accepts, read the same way', () => {
    const random = createSeededRandom(11);
    let accepted = 0;
    for (let round = 0; round < 5_000; round++) {
      const damaged = Buffer.from(randomJsonObject(random));
      damaged[random.int(damaged.length)] = random.pick([0x22, 0x5c, 0x7b, 0x5d, 0x2c, 0x30, 0x20]);
      let body: ReturnType<typeof parseJsonBody>;
      try {
        body = parseJsonBody(damaged, JSON_CAPS);
      } catch {
        continue;
      }
      accepted += 1;
      for (const [name, value] of Object.entries(body.value)) {
        const range = body.scan.find(name);
        const own = JSON.parse(damaged.subarray(range?.start, range?.end).toString());
        expect(own, damaged.toString()).toEqual(value);
      }
    }
    expect(accepted).toBeGreaterThan(500);
  });
});
