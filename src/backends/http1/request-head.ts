import type { OutgoingRequest } from './client.ts';

/** The client writes these itself, or does not speak what they ask for. */
const NOT_FROM_CALLERS = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** Everything that a value must not hold: control characters, and what Latin-1 cannot say. */
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const TARGET = /^\/[\x21-\x7e]*$/;

/** Names seen to be good, so that a request costs a look-up each. Callers may invent names: bounded. */
const goodNames = new Set<string>();
const GOOD_NAMES_MAX = 1_024;

/**
 * The head of a request, all characters below 256 so that it can be written as Latin-1. Throws an
 * Error when something could be read as more than one header or one request: that is a bug or a
 * hostile configuration, never a normal refusal, so nothing is sent.
 */
export function renderRequestHead(request: OutgoingRequest): string {
  if (!TOKEN.test(request.method)) throw new Error('the request method is not a token');
  if (!TARGET.test(request.path)) throw new Error('the request path has a forbidden character');
  let text = `${request.method} ${request.path} HTTP/1.1\r\nhost: ${request.origin.hostHeader}\r\n`;
  for (const [name, value] of request.headers) {
    if (!goodNames.has(name)) checkName(name);
    if (NOT_IN_VALUE.test(value)) {
      throw new Error(`the value of request header ${name} has a forbidden character`);
    }
    text += `${name}: ${value}\r\n`;
  }
  if (request.body !== null) text += `content-length: ${request.body.length}\r\n`;
  else if (expectsBody(request.method)) text += 'content-length: 0\r\n';
  return `${text}\r\n`;
}

/** RFC 9110 §8.6: a method that usually has a body says so when there is none. */
function expectsBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

function checkName(name: string): void {
  if (!NAME.test(name)) throw new Error('a request header name is not a lower-case token');
  if (NOT_FROM_CALLERS.has(name)) throw new Error(`request header ${name} is not the caller's`);
  if (goodNames.size < GOOD_NAMES_MAX) goodNames.add(name);
}
