/** A model as callers see it. */
export interface ListedModel {
  readonly id: string;
  readonly ownedBy: string;
  readonly createdAtMs?: number;
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
}

/** `GET /v1/models`, in a shape that OpenAI's and Anthropic's clients both accept. */
export function renderModelList(models: readonly ListedModel[]): string {
  return JSON.stringify({
    object: 'list',
    data: models.map(toWire),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  });
}

/** `GET /v1/models/{id}`. */
export function renderModel(model: ListedModel): string {
  return JSON.stringify(toWire(model));
}

/** An unknown date is the epoch, which both protocols allow. */
function toWire(model: ListedModel): Record<string, unknown> {
  const createdAtMs = model.createdAtMs ?? 0;
  return {
    id: model.id,
    object: 'model',
    type: 'model',
    display_name: model.id,
    created: Math.floor(createdAtMs / 1000),
    created_at: new Date(createdAtMs).toISOString(),
    owned_by: model.ownedBy,
    // vLLM's name for the context, then Anthropic's names for both bounds.
    ...(model.contextTokens === undefined
      ? {}
      : { max_model_len: model.contextTokens, max_input_tokens: model.contextTokens }),
    ...(model.maxOutputTokens === undefined ? {} : { max_tokens: model.maxOutputTokens }),
  };
}
