import { type Answer, type Call, createPlainAnswer } from '../answer.ts';
import { createUnknownModel } from '../refusal.ts';

/** `GET /v1/models`. */
export function answerModels(call: Call): Answer {
  return createPlainAnswer({
    object: 'list',
    data: call.engine.models.map((model) => describe(call, model)),
  });
}

/** `GET /v1/models/{id}`. Throws `Refusal` when it is not listed. */
export function answerModel(call: Call): Answer {
  const name = decode(call.request.path.slice('/v1/models/'.length));
  if (!call.engine.models.includes(name)) throw createUnknownModel(name);
  return createPlainAnswer(describe(call, name));
}

function describe(call: Call, model: string): object {
  return {
    id: model,
    object: 'model',
    created: call.engine.startedSeconds,
    owned_by: 'llmgate-mock',
    root: model,
    parent: null,
    max_model_len: call.contextTokens,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
