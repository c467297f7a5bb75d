import type { Answer, Call } from './answer.ts';
import { answerSpeech, answerTranscription } from './endpoints/audio.ts';
import { answerChat } from './endpoints/chat.ts';
import { answerCompletions } from './endpoints/completions.ts';
import { answerEmbeddings } from './endpoints/embeddings.ts';
import { answerImages } from './endpoints/images.ts';
import { answerMessages } from './endpoints/messages.ts';
import { answerModel, answerModels } from './endpoints/models.ts';
import { answerModerations } from './endpoints/moderations.ts';
import { answerHealth, answerMetrics, answerVersion } from './endpoints/probes.ts';
import { answerRerank, answerScore } from './endpoints/rerank.ts';
import { answerResponses } from './endpoints/responses.ts';
import { answerCountTokens, answerDetokenize, answerTokenize } from './endpoints/tokens.ts';

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
  ['/v1/completions', generates(answerCompletions)],
  ['/v1/responses', generates(answerResponses)],
  ['/v1/messages', generates(answerMessages)],
  ['/v1/messages/count_tokens', computes(answerCountTokens)],
  ['/v1/embeddings', computes(answerEmbeddings)],
  ['/v1/rerank', computes(answerRerank)],
  ['/v2/rerank', computes(answerRerank)],
  ['/rerank', computes(answerRerank)],
  ['/v1/score', computes(answerScore)],
  ['/score', computes(answerScore)],
  ['/v1/moderations', computes(answerModerations)],
  ['/v1/images/generations', computes(answerImages)],
  ['/v1/images/edits', computes(answerImages)],
  ['/v1/images/variations', computes(answerImages)],
  ['/v1/audio/speech', computes(answerSpeech)],
  ['/v1/audio/transcriptions', computes(answerTranscription)],
  ['/v1/audio/translations', computes(answerTranscription)],
  ['/tokenize', computes(answerTokenize)],
  ['/detokenize', computes(answerDetokenize)],
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
