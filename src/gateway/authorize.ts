import { mayUseEndpoint, mayUseModel } from '../access/permissions.ts';
import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { modelNotFound } from '../protocols/call-fields.ts';
import type { Model } from '../routing/model-table.ts';
import type { Exchange } from './exchange.ts';
import type { Call } from './read.ts';
import { TAGS_HEADER } from './request-tags.ts';

/**
 * May they? Returns the model asked for, null on endpoints that have none. Throws 403 for the
 * endpoint, 404 for the model.
 */
export function authorize(exchange: Exchange, caller: Key, call: Call): Model | null {
  const { route, gate, request } = exchange;
  exchange.tags = gate.requestTags.of(caller, request.headers.get(TAGS_HEADER));
  if (!mayUseEndpoint(caller, route.endpoint)) {
    throw new GateError(
      'endpoint_not_allowed',
      `This API key may not use the endpoint "${route.endpoint}".`,
    );
  }
  if (route.endpoint === 'models') return null;

  // A reload may have come with the body. The targets of a model belong to one generation.
  exchange.generation = gate.generation;
  const asked = call.shape.model;
  const model = gate.models.find(asked);
  if (model === undefined) {
    if (!gate.discovered) {
      throw new GateError('backend_loading', 'The models of the backends are still being listed.', {
        retryAfterMs: 1_000,
      });
    }
    throw modelNotFound(asked);
  }
  if (!isVisible(caller, model, asked)) throw modelNotFound(asked);
  exchange.model = model;
  return model;
}

/** A key that lists the alias may use the alias; what it stands for is the operator's decision. */
export function isVisible(caller: Key, model: Model, asked: string): boolean {
  return mayUseModel(caller, model.name) || mayUseModel(caller, asked);
}
