import { type Mock, startMock } from '../../src/mock/mock.ts';
import type { MockOptions } from '../../src/mock/options.ts';

export interface TestMock extends Mock {
  /** POSTs JSON to it; the third argument is the `x-mock` behaviour of this request. */
  post(path: string, body: object, behaviour?: object, init?: RequestInit): Promise<Response>;
  chat(fields?: object, behaviour?: object, init?: RequestInit): Promise<Response>;
}

/** `await using mock = await startTestMock()`: a mock that ends with the test. */
export async function startTestMock(options: MockOptions = {}): Promise<TestMock> {
  const mock = await startMock(options);
  const post: TestMock['post'] = (path, body, behaviour, init = {}) =>
    fetch(mock.url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(behaviour === undefined ? {} : { 'x-mock': JSON.stringify(behaviour) }),
      },
      body: JSON.stringify(body),
      redirect: 'manual',
      ...init,
    });
  const messages = [{ role: 'user', content: 'Say something short.' }];
  return Object.assign(mock, {
    post,
    chat: (fields: object = {}, behaviour?: object, init?: RequestInit) =>
      post('/v1/chat/completions', { model: 'm', messages, ...fields }, behaviour, init),
  });
}
