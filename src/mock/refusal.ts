/** A reply that is an error, with the body of the engine that it imitates. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: string;
  readonly contentType: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    body: string | object,
    over: { contentType?: string | null; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(`refused with ${status}`);
    this.name = 'Refusal';
    this.status = status;
    this.body = typeof body === 'string' ? body : JSON.stringify(body);
    this.contentType = over.contentType === undefined ? 'application/json' : over.contentType;
    this.headers = over.headers ?? {};
  }
}

/** vLLM's error object: its `code` is the HTTP status. */
export function createVllmRefusal(
  status: number,
  message: string,
  { type, param = null }: { type: string; param?: string | null },
): Refusal {
  return new Refusal(status, { error: { message, type, param, code: status } });
}

export function createBadRequest(message: string, param: string | null = null): Refusal {
  return createVllmRefusal(400, message, { type: 'BadRequestError', param });
}

/** vLLM's words when the prompt and the answer asked for do not fit. */
export function createContextRefusal(contextTokens: number, askedTokens: number): Refusal {
  return createVllmRefusal(
    400,
    `This model's maximum context length is ${contextTokens} tokens. However, you requested ` +
      `${askedTokens} tokens in the messages. Please reduce the length of the messages.`,
    { type: 'BadRequestError' },
  );
}

export function createOverloaded(): Refusal {
  return createVllmRefusal(503, 'The queue of the mock is full.', { type: 'ServiceUnavailable' });
}

export function createUnknownRoute(path: string): Refusal {
  return new Refusal(404, { detail: `Not Found: ${path}` });
}

export function createUnknownModel(model: string): Refusal {
  return createVllmRefusal(404, `The model \`${model}\` does not exist.`, {
    type: 'NotFoundError',
    param: 'model',
  });
}
