import type { Answer, Call } from './answer.ts';
import { answerChat } from './endpoints/chat.ts';
import { answerEmbeddings } from './endpoints/embeddings.ts';
import { answerModel, answerModels } from './endpoints/models.ts';
import { answerHealth, answerMetrics, answerVersion } from './endpoints/probes.ts';

export interface Route {
  /** Throws `Refusal` for a body that the endpoint cannot use. */
  readonly answer: (call: Call) => Answer;
  /** Generates tokens, so that it takes a place in the running batch. */
  readonly takesSlot: boolean;
  /** Asks about the engine, not for an inference. */
  readonly isProbe: boolean;
}

const generates = (answer: Route['answer']): Route => ({ answer, takesSlot: true, isProbe: false });
const computes = (answer: Route['answer']): Route => ({ answer, takesSlot: false, isProbe: false });
const probes = (answer: Route['answer']): Route => ({ answer, takesSlot: false, isProbe: true });

const POSTS: ReadonlyMap<string, Route> = new Map([
  ['/v1/chat/completions', generates(answerChat)],
  ['/v1/embeddings', computes(answerEmbeddings)],
]);

const GETS: ReadonlyMap<string, Route> = new Map([
  ['/', probes(answerHealth)],
  ['/health', probes(answerHealth)],
  ['/ping', probes(answerHealth)],
  ['/version', probes(answerVersion)],
  ['/metrics', probes(answerMetrics)],
  ['/v1/models', probes(answerModels)],
]);

const ONE_MODEL = probes(answerModel);

/** What answers this request, if the mock knows it. */
export function findRoute(method: string, path: string): Route | undefined {
  if (method === 'POST') return POSTS.get(path);
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  return GETS.get(path) ?? (path.startsWith('/v1/models/') ? ONE_MODEL : undefined);
}
