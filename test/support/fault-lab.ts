import { join } from 'node:path';
import type { BackendView, GatewayStatus } from '../../src/admin/gateway-schemas.ts';
import type { LiveDocument } from '../../src/observe/live-document.ts';
import { llmgateBinary } from './llmgate-binary.ts';
import { RunningProcess } from './running-process.ts';
import { type IssuedKey, ServeLab } from './serve-lab.ts';
import { type LoggedRequest, type Reply, toReply } from './start-gateway.ts';

/** An attempt as the books have it. */
export interface LoggedAttempt {
  readonly backend: string;
  readonly code: string | null;
  readonly status: number | null;
}

/** A reply and what it took. */
export interface Answer extends Reply {
  /** From the request to the last byte. */
  readonly tookMs: number;
  /** Of the reply, or of the last frame of a stream; undefined when all went well. */
  readonly failure: string | undefined;
  readonly backend: string | null;
  readonly attempts: number | null;
  readonly id: string;
}

export interface AskOptions {
  readonly stream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: object;
  readonly signal?: AbortSignal;
}

export interface LabOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The command line that starts the gateway in surroundings of its own. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

/** A compiled gateway in front of backends that fail, and every place where a trace of it can stay. */
export class FaultLab implements AsyncDisposable {
  readonly lab: ServeLab;
  readonly process: RunningProcess;
  readonly url: string;
  readonly key: IssuedKey;

  private constructor(lab: ServeLab, process: RunningProcess, url: string, key: IssuedKey) {
    this.lab = lab;
    this.process = process;
    this.url = url;
    this.key = key;
  }

  /** `yaml` is everything besides `listen` and `data_dir`. */
  static async open(yaml: string, { env = {}, wrap = (command) => command }: LabOptions = {}) {
    const lab = new ServeLab(yaml);
    const process = new RunningProcess(wrap([llmgateBinary(), 'serve']), { cwd: lab.folder, env });
    try {
      const [, url = ''] = await process.untilLine(/^llmgate \S+ on (http:\S+),/);
      const signal = AbortSignal.timeout(10_000);
      while (!(await fetch(`${url}/readyz`, { signal })).ok) signal.throwIfAborted();
      return new FaultLab(lab, process, url, await lab.createKey('caller'));
    } catch (cause) {
      await process.stop();
      lab[Symbol.dispose]();
      throw cause;
    }
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** A chat request that gets what it gets; throws only when the gateway itself cannot be reached. */
  async ask(model: string, options: AskOptions = {}): Promise<Answer> {
    const { stream = false, headers = {}, fields = {}, signal } = options;
    const messages = [{ role: 'user', content: 'hi' }];
    const startedMs = performance.now();
    const reply = await toReply(
      await fetch(`${this.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.key.key}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify({ model, stream, messages, ...fields }),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    const attempts = reply.headers.get('x-llmgate-attempts');
    return {
      ...reply,
      tookMs: performance.now() - startedMs,
      failure: stream && reply.status === 200 ? failureIn(reply.text) : reply.code,
      backend: reply.headers.get('x-llmgate-backend'),
      attempts: attempts === null ? null : Number(attempts),
      id: reply.headers.get('x-request-id') ?? '',
    };
  }

  /** The rows of a request: one, or something is wrong. */
  rowsOf({ id }: Pick<Answer, 'id'>): LoggedRequest[] {
    return this.lab.rows(`id = '${id.replaceAll('-', '')}'`);
  }

  attemptsOf({ id }: Pick<Answer, 'id'>): LoggedAttempt[] {
    return this.lab.query<LoggedAttempt>(
      `SELECT b.name AS backend, c.name AS code, a.status FROM attempts a
       JOIN requests r ON r.seq = a.request_seq
       JOIN names b ON b.id = a.backend LEFT JOIN names c ON c.id = a.code
       WHERE lower(hex(r.id)) = '${id.replaceAll('-', '')}' ORDER BY a.attempt`,
    );
  }

  async admin<T>(path: string, method = 'GET'): Promise<T> {
    const unix = join(this.lab.dataDir, 'admin.sock');
    const response = await fetch(`http://llmgate/admin/v1${path}`, { method, unix });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  status(): Promise<GatewayStatus> {
    return this.admin('/status');
  }

  live(): Promise<LiveDocument> {
    return this.admin('/live');
  }

  async backend(id: string): Promise<BackendView> {
    const { backends } = await this.admin<{ readonly backends: readonly BackendView[] }>(
      '/backends',
    );
    const found = backends.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no backend ${id}`);
    return found;
  }

  /** Asks the admin plane again and again; nobody outside of a process is told of what is in it. */
  async until<T>(look: () => Promise<T>, isMet: (seen: T) => boolean, forMs = 10_000): Promise<T> {
    const untilMs = performance.now() + forMs;
    for (;;) {
      const seen = await look();
      if (isMet(seen)) return seen;
      if (performance.now() > untilMs) throw new Error(`still ${JSON.stringify(seen)}`);
    }
  }

  /** What is taken for requests and not given back; resolves when that is nothing at all. */
  async untilNothingIsHeld(forMs = 10_000): Promise<Held> {
    return this.until(() => this.held(), isNothing, forMs);
  }

  async held(): Promise<Held> {
    const [status, live] = await Promise.all([this.status(), this.live()]);
    return {
      inFlight: status.in_flight,
      holds: status.budgets.holds,
      unwritten: status.ledger.queued,
      inLine: live.gateway.queued,
      places: live.backends.reduce((sum, { in_flight }) => sum + in_flight, 0),
      engineUses: live.backends.reduce((sum, { process }) => sum + (process?.in_use ?? 0), 0),
      open: this.lab.query('SELECT 1 FROM open_requests').length,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop();
    this.lab[Symbol.dispose]();
  }
}

/** Everything that a request takes, summed over all requests. */
export interface Held {
  readonly inFlight: number;
  readonly holds: number;
  readonly unwritten: number;
  readonly inLine: number;
  readonly places: number;
  readonly engineUses: number;
  readonly open: number;
}

function isNothing(held: Held): boolean {
  return Object.values(held).every((count) => count === 0);
}

/** `error.code` of the last frame; `no terminal` for a stream that ends without a word. */
function failureIn(text: string): string | undefined {
  const trimmed = text.trimEnd();
  if (trimmed.endsWith('data: [DONE]') && !trimmed.includes('"error"')) return undefined;
  const [, data = ''] = /data: (\{.*\})(\n\ndata: \[DONE\])?$/.exec(trimmed) ?? [];
  if (data === '') return 'no terminal';
  const frame: unknown = JSON.parse(data);
  const error = (frame as { readonly error?: { readonly code?: string } }).error;
  return error?.code ?? 'no terminal';
}

/** A backend that is only what it is told to be: nothing asks it but requests. */
export function bareBackend(url: string, more = ''): string {
  return `{ type: vllm, url: "${url}", discover: false, health: off, metrics: off${more} }`;
}

/** Written as a member of a backend: every request it gets is answered in this way. */
export function answering(behaviour: object): string {
  return `, headers: { x-mock: '${JSON.stringify(behaviour).replaceAll("'", "''")}' }`;
}
