import { describe, expect, test } from 'vitest';
import { hasKeyInUrl, readCredential } from '../../../src/access/credential.ts';

const K = 'sk-lg-one';
const OTHER = 'sk-lg-two';

describe('the credential of a request', () => {
  test.each<[string, Record<string, string>, object]>([
    ['Bearer', { authorization: `Bearer ${K}` }, { text: K }],
    ['bearer, any case, many spaces', { authorization: `bEARER   ${K} ` }, { text: K }],
    ['x-api-key', { 'x-api-key': K }, { text: K }],
    ['api-key', { 'api-key': K }, { text: K }],
    ['x-goog-api-key', { 'x-goog-api-key': K }, { text: K }],
    ['X-API-KEY', { 'X-API-KEY': K }, { text: K }],
    ['the same twice', { authorization: `Bearer ${K}`, 'x-api-key': K }, { text: K }],
    ['an empty one beside it', { authorization: `Bearer ${K}`, 'x-api-key': '' }, { text: K }],
    ['none', {}, { problem: 'missing' }],
    ['an empty one', { authorization: '' }, { problem: 'missing' }],
    [
      'only other headers',
      { cookie: K, 'proxy-authorization': `Bearer ${K}` },
      { problem: 'missing' },
    ],
    ['two', { authorization: `Bearer ${K}`, 'x-api-key': OTHER }, { problem: 'several' }],
    ['two bare', { 'api-key': K, 'x-goog-api-key': OTHER }, { problem: 'several' }],
    [
      'a header sent twice',
      { authorization: `Bearer ${K}, Bearer ${OTHER}` },
      { problem: 'several' },
    ],
    ['Basic', { authorization: 'Basic c2stbGc6eA==' }, { problem: 'malformed' }],
    [
      'Basic beside a key',
      { authorization: 'Basic eA==', 'x-api-key': K },
      { problem: 'malformed' },
    ],
    ['no scheme', { authorization: K }, { problem: 'malformed' }],
    ['a scheme alone', { authorization: 'Bearer' }, { problem: 'malformed' }],
    ['a scheme glued on', { authorization: `Bearer${K}` }, { problem: 'malformed' }],
    ['512 characters', { 'x-api-key': 'a'.repeat(512) }, { text: 'a'.repeat(512) }],
    ['513 characters', { 'x-api-key': 'a'.repeat(513) }, { problem: 'malformed' }],
    ['a megabyte', { authorization: `Bearer ${'a'.repeat(1e6)}` }, { problem: 'malformed' }],
  ])('%s', (_, headers, credential) => {
    expect(readCredential(new Headers(headers))).toEqual(credential);
  });
});

describe('a key in a URL', () => {
  test.each([
    'http://x/v1/models?key=abc',
    'http://x/v1/models?a=1&api_key=abc',
    'http://x/v1/models?apikey=abc',
    'http://x/v1/models?apiKey=abc',
    'http://x/v1/models?API_KEY=abc',
    'http://x/v1/models?access_token=abc',
    'http://x/v1/models?%6bey=abc',
    'http://x/v1/models?x=sk-lg-abc',
    'http://x/v1/models?x=s%6B-lg-abc',
    'http://x/v1/models?x=sk%2Dlg%2dabc',
    'http://x/v1/sk-lg-abc/models',
    'http://x/v1/sk%2dlg-abc/models',
    'http://x/v1/models#sk-lg-abc',
    'http://sk-lg-abc@x/v1/models',
    '/v1/models?key',
    '/v1/models?x=%E0%A4%A&key=abc',
  ])('%s', (url) => {
    expect(hasKeyInUrl(url)).toBe(true);
  });

  test.each([
    'http://x/v1/models',
    'http://x/v1/models?limit=10&after=keys',
    'http://x/v1/models?monkey=1&keyboard=2',
    'http://x/v1/models?q=sk-other',
    'http://x/v1/%',
    '/v1/models?x=%E0%A4%A',
    '',
  ])('not: %s', (url) => {
    expect(hasKeyInUrl(url)).toBe(false);
  });
});
