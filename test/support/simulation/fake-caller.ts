import { handle } from '../../../src/gateway/spine.ts';
import { findRoute } from '../../../src/protocols/route.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { Plant } from './plant.ts';

const PATHS = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  messages: '/v1/messages',
  responses: '/v1/responses',
  embeddings: '/v1/embeddings',
} as const;
type Asked = keyof typeof PATHS;

const TERMINALS: Readonly<Record<Asked, string>> = {
  chat: 'data: [DONE]',
  completions: 'data: [DONE]',
  messages: '"message_stop"',
  responses: '"response.completed"',
  embeddings: '"never"',
};

const WORDS = 'tell me what you would do if all of this were only a simulation of you '.split(' ');

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Somebody who sends one request and reads as fast as the seed lets them. */
export class FakeCaller {
  readonly asked: Asked;
  readonly streamed: boolean;
  readonly model: string;
  /** Of the request, once there is an answer. */
  id = '';
  status = 0;
  text = '';
  isOver = false;
  /** They saw an end that nothing was wrong with. */
  sawCleanEnd = false;
  readonly #plant: Plant;
  readonly #epoch: number;
  readonly #leave = new AbortController();
  #reader: Reader | undefined;
  #isReading = false;

  constructor(plant: Plant) {
    const { random, scene } = plant;
    this.#plant = plant;
    this.#epoch = plant.epoch;
    this.asked = random.pick([
      'chat',
      'chat',
      'chat',
      'completions',
      'messages',
      'responses',
      'embeddings',
    ]);
    this.streamed = this.asked !== 'embeddings' && random.int(3) > 0;
    this.model = random.pick(['small', 'small', 'two', 'two', 'gpu', 'free']);
    const path = PATHS[this.asked];
    const found = findRoute('POST', path);
    if (typeof found === 'string') throw new Error(found);
    const { text } = random.pick(scene.keys);
    const headers: Record<string, string> = {
      authorization: `Bearer ${text}`,
      'content-type': 'application/json',
    };
    if (random.int(4) === 0) headers['x-llmgate-tags'] = `step=${random.int(3)}`;
    // New words need room in the file, so that a full one is met in the middle of a commit.
    if (random.int(3) === 0) {
      const notes = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name}=${'.'.repeat(120)}`);
      headers['x-llmgate-tags'] = `note=${random.next()},${notes.join()}`;
    }
    const request = new Request(`http://localhost${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(this.#body(random)),
      signal: this.#leave.signal,
    });
    const connections = { requestIP: () => null, timeout: () => {} };
    handle(request, found, plant.gate, connections).then(
      (response) => this.#answered(response),
      (cause) => plant.fail(`the request path threw ${String(cause)}`),
    );
  }

  get isWaiting(): boolean {
    return this.#reader === undefined && !this.isOver;
  }

  /** The connection is gone. */
  leave(): void {
    this.isOver = true;
    this.#leave.abort();
  }

  /** The server was told that nobody reads on. */
  cancel(): void {
    this.isOver = true;
    this.#reader?.cancel().catch(() => {});
  }

  read(): void {
    if (this.#reader === undefined || this.#isReading || this.isOver) return;
    this.#isReading = true;
    this.#reader.read().then(
      ({ done, value }) => {
        this.#isReading = false;
        if (value !== undefined) this.text += new TextDecoder().decode(value);
        // Whoever has the last frame relies on it, and does not wait for the connection to close.
        if (done || this.#hasLastFrame) this.#ended();
      },
      () => {
        this.isOver = true;
      },
    );
  }

  get #hasLastFrame(): boolean {
    return this.text.includes(TERMINALS[this.asked]) || this.text.includes('"error"');
  }

  get #isAlive(): boolean {
    return this.#plant.epoch === this.#epoch && !this.isOver;
  }

  #body(random: SeededRandom): object {
    const words = Array.from({ length: 1 + random.int(60) }, () => random.pick(WORDS)).join(' ');
    const messages = [{ role: 'user', content: words }];
    const max = random.int(2) === 0 ? 1 + random.int(400) : undefined;
    const { model } = this;
    const stream = this.streamed || undefined;
    switch (this.asked) {
      case 'chat':
      case 'completions': {
        const n = random.int(4) === 0 ? 1 + random.int(3) : undefined;
        const usage = stream && random.int(2) === 0 ? { include_usage: true } : undefined;
        const common = { model, stream, n, max_tokens: max, stream_options: usage };
        return this.asked === 'chat' ? { ...common, messages } : { ...common, prompt: words };
      }
      case 'messages':
        return { model, stream, messages, max_tokens: max ?? 50 };
      case 'responses':
        return { model, stream, input: words, max_output_tokens: max };
      case 'embeddings':
        return { model, input: words };
    }
  }

  #answered(response: Response): void {
    if (!this.#isAlive) return;
    this.id = response.headers.get('x-request-id') ?? '';
    this.status = response.status;
    const isStream = response.headers.get('content-type') === 'text/event-stream';
    if (isStream) {
      this.#reader = response.body?.getReader() as Reader | undefined;
      return;
    }
    response.text().then((text) => {
      if (!this.#isAlive) return;
      this.text = text;
      this.#ended();
    });
  }

  /** The moment at which a caller relies on the books. */
  #ended(): void {
    if (!this.#isAlive) return;
    this.isOver = true;
    const { status, id, text, streamed, asked } = this;
    const known = this.#plant.known.get(id);
    if (known === undefined) return this.#plant.fail(`an answer has no id: ${status} ${text}`);
    const isWhole = streamed ? text.includes(TERMINALS[asked]) : true;
    this.sawCleanEnd = status === 200 && isWhole;
    const row = this.#plant.finished(id);
    if (row === undefined) {
      // A store that fails is told of by the log, and the row comes later.
      if (known.isDelayed) return;
      return this.#plant.fail(
        `the caller of ${id} saw the end (${status}) before its row was there`,
      );
    }
    if (this.sawCleanEnd && row['outcome'] !== 'served') {
      this.#plant.fail(`the caller of ${id} saw a clean end of what is ${row['outcome']}`);
    }
    if (status === 200 && !isWhole && row['outcome'] === 'served') {
      this.#plant.fail(
        `the caller of ${id} saw a broken end of what is served: ${text.slice(-200)}`,
      );
    }
    // Whose request was ended from elsewhere gets whatever was on its way.
    const isEnded = row['code'] === 'caller_gone' || row['code'] === 'draining';
    if (row['status'] !== status && !isEnded) {
      this.#plant.fail(`the caller of ${id} got ${status}, its row says ${row['status']}`);
    }
  }
}
