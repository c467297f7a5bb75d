import { describe, expect, test } from 'vitest';
import { parseForm, spliceForm } from '../../../src/protocols/form-body.ts';
import { openAiImages, openAiTranscripts } from '../../../src/protocols/openai-plain/wire.ts';
import { thrownBy } from '../../support/thrown.ts';

const TYPE = 'multipart/form-data; boundary=XX';
const part = (head: string, value: string) => `--XX\r\n${head}\r\n\r\n${value}\r\n`;
const field = (name: string, value: string) =>
  part(`Content-Disposition: form-data; name="${name}"`, value);
const FILE = part(
  'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav',
  'RIFF\r\n\r\n--X\0\xff',
);
const END = '--XX--\r\n';

const parse = (text: string, type = TYPE) => parseForm(Buffer.from(text, 'latin1'), type);
const splice = (text: string, edits: Readonly<Record<string, string>>) => {
  const list = Object.entries(edits).map(([member, json]) => ({ member, json }));
  return Buffer.from(spliceForm(parse(text), list)).toString('latin1');
};

describe('parseForm', () => {
  test('finds text fields and skips files', () => {
    const form = parse(field('model', 'whisper') + FILE + field('prompt', '') + END);
    expect([...form.fields].map(([name, { value }]) => [name, value])).toEqual([
      ['model', 'whisper'],
      ['prompt', ''],
    ]);
    expect(form.fileBytes).toBe(13);
  });

  test('reads what the platform itself writes', async () => {
    const data = new FormData();
    data.set('model', 'tiny/ü');
    data.set('file', new File([new Uint8Array(100_000)], 'a"b\r\n.wav', { type: 'audio/wav' }));
    data.set('prompt', 'line one\nline two');
    const reply = new Response(data);
    const type = reply.headers.get('content-type') ?? '';
    const form = parseForm(await reply.bytes(), type);
    expect(form.fields.get('model')?.value).toBe('tiny/ü');
    expect(form.fields.get('prompt')?.value).toContain('line two');
    expect(form.fileBytes).toBe(100_000);
  });

  test.each([
    ['unquoted name', part('Content-Disposition: form-data; name=model', 'm')],
    ['other header case', part('content-disposition: form-data;name="model"', 'm')],
    [
      'a charset',
      part('Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain', 'm'),
    ],
    [
      'a file name with backslashes',
      `${part('Content-Disposition: form-data; name="f"; filename="C:\\a.wav"', 'x')}${field('model', 'm')}`,
    ],
  ])('reads %s', (_name, text) => {
    expect(parse(text + END).fields.get('model')?.value).toBe('m');
  });

  test.each([
    ['multipart/form-data; boundary="XX"'],
    ['Multipart/Form-Data; charset=utf-8; BOUNDARY=XX'],
  ])('reads %s', (type) => {
    expect(parse(field('model', 'm') + END, type).fields.has('model')).toBe(true);
  });

  test('of a repeated list field the first counts', () => {
    const form = parse(field('include[]', 'a') + field('include[]', 'b') + END);
    expect(form.fields.get('include[]')?.value).toBe('a');
  });

  test.each([
    ['no boundary', field('model', 'm') + END, 'multipart/form-data'],
    ['two boundaries', field('model', 'm') + END, 'multipart/form-data; boundary=XX; boundary=YY'],
    ['an empty boundary', field('model', 'm') + END, 'multipart/form-data; boundary='],
    [
      'a boundary too long',
      field('model', 'm') + END,
      `multipart/form-data; boundary=${'X'.repeat(71)}`,
    ],
    ['another boundary', field('model', 'm') + END, 'multipart/form-data; boundary=YY'],
    ['empty', '', TYPE],
    ['a preamble', `hello\r\n${field('model', 'm')}${END}`, TYPE],
    ['an epilogue', `${field('model', 'm')}${END}x`, TYPE],
    ['no end', field('model', 'm'), TYPE],
    ['cut in a value', field('model', 'm').slice(0, -3), TYPE],
    ['cut in a header', '--XX\r\nContent-Disposition: form-data; name="model"', TYPE],
    ['LF alone', '--XX\nContent-Disposition: form-data; name="model"\n\nm\n--XX--\n', TYPE],
    ['a header of 10 KB', part(`X: ${'y'.repeat(10_000)}`, 'm') + END, TYPE],
    ['no disposition', part('Content-Type: text/plain', 'm') + END, TYPE],
    ['no name', part('Content-Disposition: form-data', 'm') + END, TYPE],
    ['an empty name', field('', 'm') + END, TYPE],
    ['two names', part('Content-Disposition: form-data; name="a"; name="model"', 'm') + END, TYPE],
    [
      'two dispositions',
      part(
        'Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="model"',
        'm',
      ) + END,
      TYPE,
    ],
    [
      'an encoded name',
      part("Content-Disposition: form-data; name*=UTF-8''model", 'm') + END,
      TYPE,
    ],
    ['an escaped name', field('mod\\"el', 'm') + END, TYPE],
    [
      'an escaped quote in a file name',
      part('Content-Disposition: form-data; filename="a\\"; name="model"', 'm') + END,
      TYPE,
    ],
    ['an extended boundary', field('model', 'm') + END, `${TYPE}; boundary*=UTF-8''YY`],
    [
      'a header without a value',
      `--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n${field('model', 'm')}${END}`,
      TYPE,
    ],
    ['a folded header', part('Content-Disposition: form-data;\r\n name="model"', 'm') + END, TYPE],
    [
      'a transfer encoding',
      part(
        'Content-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: base64',
        'bQ==',
      ) + END,
      TYPE,
    ],
    ['not form-data', part('Content-Disposition: attachment; name="model"', 'm') + END, TYPE],
    ['a field that is not UTF-8', field('model', '\xff') + END, TYPE],
    ['a field of 1 MB', field('prompt', 'x'.repeat(1_000_000)) + END, TYPE],
    ['a field twice', field('model', 'a') + field('model', 'b') + END, TYPE],
    ['a field twice by case', field('model', 'a') + field('Model', 'b') + END, TYPE],
    [
      '300 parts',
      Array.from({ length: 300 }, (_, index) => field(`f${index}`, 'x')).join('') + END,
      TYPE,
    ],
  ])('refuses %s', (_name, text, type) => {
    expect(thrownBy(() => parse(text, type)).code).toBe('invalid_request');
  });

  test('refuses fields that would choose the backend', () => {
    const error = thrownBy(() => parse(field('model', 'm') + field('API_Base', 'x') + END));
    expect(error).toMatchObject({ code: 'unsupported_field', param: 'api_base' });
  });
});

describe('spliceForm', () => {
  const body = field('model', 'whisper') + FILE + field('n', '1') + END;

  test('replaces a value and leaves every other byte alone', () => {
    expect(splice(body, { model: 'org/big"model' })).toBe(body.replace('whisper', 'org/big"model'));
    expect(splice(body, { n: '22', model: '' })).toBe(
      body.replace('whisper', '').replace('\r\n1\r\n', '\r\n22\r\n'),
    );
  });

  test('adds what is not there', () => {
    const edited = splice(FILE + END, { model: 'm' });
    expect(edited.endsWith(FILE + END)).toBe(true);
    expect(parse(edited).fields.get('model')?.value).toBe('m');
  });

  test('without edits it is the same bytes', () => {
    const form = parse(body);
    expect(spliceForm(form, [])).toBe(form.bytes);
  });

  test('a value cannot break out of its field', () => {
    expect(() => splice(body, { model: 'x\r\n--XX\r\n' })).toThrow();
  });
});

describe('calls in forms', () => {
  const call = (fields: Readonly<Record<string, string>>, file = FILE) => {
    const text = Object.entries(fields)
      .map(([name, value]) => field(name, value))
      .join('');
    const form = parse(text + file + END);
    return openAiTranscripts.readForm?.(form);
  };

  test('model, stream, n and the size of the input', () => {
    expect(call({ model: 'm', stream: 'true', prompt: 'abcdefgh', n: '3' })).toEqual({
      model: 'm',
      stream: true,
      usageRequested: true,
      maxOutputTokens: null,
      choices: 3,
      inputTokens: 1002,
      edits: [],
    });
    expect(call({ model: 'm' }, '')).toMatchObject({ stream: false, choices: 1, inputTokens: 0 });
    expect(openAiImages.readForm).toBeDefined();
  });

  test.each([
    [{}, 'model'],
    [{ model: '' }, 'model'],
    [{ model: 'm', stream: '1' }, 'stream'],
    [{ model: 'm', n: '0' }, 'n'],
    [{ model: 'm', n: '2x' }, 'n'],
    [{ model: 'm', n: '-1' }, 'n'],
  ])('refuses %j', (fields, param) => {
    expect(thrownBy(() => call(fields))).toMatchObject({ code: 'invalid_request', param });
  });
});
