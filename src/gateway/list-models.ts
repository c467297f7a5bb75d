import type { Key } from '../core/key.ts';
import { NO_USAGE } from '../core/usage.ts';
import { modelNotFound } from '../protocols/call-fields.ts';
import { renderModel, renderModelList } from '../protocols/model-list.ts';
import type { Model } from '../routing/model-table.ts';
import { isVisible } from './authorize.ts';
import type { Exchange } from './exchange.ts';
import { replyHeaders } from './reply-headers.ts';

/** `/v1/models`, answered by the gateway itself: what this key may use, and nothing else. */
export async function listModels(
  exchange: Exchange,
  caller: Key,
  modelId: string | undefined,
): Promise<Response> {
  const { models } = exchange.gate;
  let body: string;
  if (modelId === undefined) {
    const visible = models.models.filter((model) => isVisible(caller, model, model.name));
    body = renderModelList(visible.map(toListed));
  } else {
    const model = models.find(modelId);
    if (!model || !isVisible(caller, model, modelId)) throw modelNotFound(modelId);
    body = renderModel(toListed(model));
  }
  await exchange.finish({ kind: 'served', usage: NO_USAGE, source: 'none' }, 200);
  const headers = replyHeaders(exchange);
  headers['content-type'] = 'application/json';
  return new Response(body, { headers });
}

function toListed(model: Model) {
  return {
    id: model.name,
    ownedBy: 'llmgate',
    ...(model.contextTokens === null ? {} : { contextTokens: model.contextTokens }),
    ...(model.maxOutputTokens === null ? {} : { maxOutputTokens: model.maxOutputTokens }),
  };
}
