import OpenAI, { type ClientOptions } from 'openai';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import { type IssuedKey, ServeLab, type UsageDocument } from './serve-lab.ts';

/** Everything has a price, and one model can be asked only once every 1.2 seconds. */
const MODELS = `
models:
  small: { targets: [mock], price: { input: 1, cached_input: 0.25, output: 2 } }
  limited: { targets: [{ backend: mock, model: small }], price: { input: 0, output: 0 } }
limits:
  - { per: key, model: limited, requests: 50/m, burst: 1 }
`;

/** The official client with a key of its own, so that its rows can be told from all others. */
export interface SdkCaller {
  readonly client: OpenAI;
  readonly key: IssuedKey;
  /** What `llmgate usage --json` says of this key, by outcome. */
  usage(): Promise<UsageDocument>;
  /** Another client on the same key. */
  withOptions(options: ClientOptions): OpenAI;
}

export interface SdkLab extends AsyncDisposable {
  readonly mock: Mock;
  readonly serve: ServeLab;
  readonly url: string;
  /** `flags` are those of `keys create`. */
  openCaller(...flags: string[]): Promise<SdkCaller>;
}

/** The compiled gateway in a process of its own, with a mock behind it that tests can script. */
export async function startSdkLab(): Promise<SdkLab> {
  const mock = await startMock({ models: ['small'] });
  // The client's own retries are what is looked at, and nothing that fails keeps the next one out.
  const serve = new ServeLab(
    `backends:\n  mock: { type: vllm, url: "${mock.url}" }\n${MODELS}\n` +
      'retries: { attempts: 1 }\nhealth: { breaker: { min_attempts: 1000 } }\n',
  );
  const served = await serve.serve();
  let callers = 0;
  return {
    mock,
    serve,
    url: served.url,
    async openCaller(...flags) {
      callers += 1;
      const key = await serve.createKey(`caller-${callers}`, ...flags);
      const withOptions = (options: ClientOptions) =>
        new OpenAI({ apiKey: key.key, baseURL: `${served.url}/v1`, ...options });
      return { client: withOptions({}), key, usage: () => serve.usageOf(key), withOptions };
    },
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await mock.stop();
      serve[Symbol.dispose]();
    },
  };
}
