import type {
  Survey,
  SurveyOrder,
  VerifyAnswer,
  VerifyAsk,
  Walk,
  WalkOrder,
} from './verify-message.ts';

/** One thread of a verification. The owner calls `close`; what waits then is rejected. */
export interface VerifyThread {
  survey(order: SurveyOrder): Promise<Survey>;
  walk(order: WalkOrder): Promise<Walk>;
  close(): void;
}

export type OpenVerifyThread = (databasePath: string) => Promise<VerifyThread>;

type Question = VerifyAsk extends infer Ask
  ? Ask extends unknown
    ? Omit<Ask, 'id'>
    : never
  : never;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Starts the thread and opens the file there, for reading only. Rejects when it cannot be read. */
export async function openVerifyThread(databasePath: string): Promise<VerifyThread> {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  // The build lists the worker as an entrypoint with a flat name, as it does that of the books.
  const url = new URL('./verify-worker.ts', import.meta.url).href;
  const worker = new Worker(url, { name: 'llmgate verify', smol: true });
  worker.unref();

  const fail = (message: string): void => {
    for (const { reject } of waiting.values()) reject(new Error(message));
    waiting.clear();
  };
  worker.addEventListener('message', ({ data }: MessageEvent<VerifyAnswer>) => {
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if ('failure' in data) asked?.reject(new Error(data.failure));
    else asked?.resolve(data.value as never);
  });
  worker.addEventListener('error', (event) => fail(event.message));
  worker.addEventListener('close', () => fail('the thread ended'));

  function ask<T>(question: Question): Promise<T> {
    lastId += 1;
    const id = lastId;
    return new Promise<T>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...question, id });
    });
  }
  const close = (): void => {
    worker.terminate();
    fail('the verification was ended');
  };
  try {
    await ask<void>({ op: 'open', databasePath });
  } catch (cause) {
    close();
    throw cause;
  }
  return {
    survey: (order) => ask({ op: 'survey', ...order }),
    walk: (order) => ask({ op: 'walk', ...order }),
    close,
  };
}
