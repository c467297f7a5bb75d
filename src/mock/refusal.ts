/** A reply that is an error, with the body of the engine that it imitates. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: string;
  readonly contentType: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** The body was chosen by the tester and goes out as it is, whatever the protocol. */
  readonly isVerbatim: boolean;

  constructor(
    status: number,
    body: string | object,
    over: {
      contentType?: string | null;
      headers?: Readonly<Record<string, string>>;
      isVerbatim?: boolean;
    } = {},
  ) {
    super(`refused with ${status}`);
    this.name = 'Refusal';
    this.status = status;
    this.body = typeof body === 'string' ? body : JSON.stringify(body);
    this.contentType = over.contentType === undefined ? 'application/json' : over.contentType;
    this.headers = over.headers ?? {};
    this.isVerbatim = over.isVerbatim ?? false;
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

const ANTHROPIC_TYPES = new Map([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

/** The same refusal as a caller of `/v1/messages` expects it. */
export function toAnthropicRefusal(refusal: Refusal): Refusal {
  const { status, headers, contentType } = refusal;
  if (refusal.isVerbatim || contentType !== 'application/json') return refusal;
  const { error } = JSON.parse(refusal.body) as { error?: { message?: string } };
  const type = ANTHROPIC_TYPES.get(status) ?? 'api_error';
  const body = { type: 'error', error: { type, message: error?.message ?? 'error' } };
  return new Refusal(status, body, { headers });
}
