import { toGateError } from '../core/error.ts';
import type { Route } from '../protocols/route.ts';
import { authenticate } from './authenticate.ts';
import { authorize } from './authorize.ts';
import { Exchange } from './exchange.ts';
import { forward } from './forward.ts';
import type { Gate } from './gate.ts';
import { limit } from './limit.ts';
import { listModels } from './list-models.ts';
import type { ConnectionWatch } from './ports.ts';
import { read } from './read.ts';
import { refuse } from './refuse.ts';
import { reserve } from './reserve.ts';
import { route } from './route.ts';

export interface Matched {
  readonly route: Route;
  /** Set on `/v1/models/{id}`. */
  readonly modelId?: string;
}

/**
 * The path of every request, stage by stage; `docs/request-path.md` tells it in words. A stage
 * throws to refuse. The reply settles when its body ends, not when this function returns.
 */
export async function handle(
  request: Request,
  matched: Matched,
  gate: Gate,
  connections: ConnectionWatch,
): Promise<Response> {
  const exchange = new Exchange(request, matched.route, gate, connections);
  request.signal.addEventListener('abort', () => exchange.callerGone());
  try {
    const caller = authenticate(exchange);
    const call = await read(exchange);
    // What the next stages take for a request that is over would never be given back.
    exchange.throwIfStopped();
    exchange.awaitAnswer();
    const model = authorize(exchange, caller, call);
    limit(exchange, caller, call);
    if (model === null) return await listModels(exchange, caller, matched.modelId);
    const plan = route(exchange, model);
    await reserve(exchange, { caller, call, model }, plan);
    return await forward(exchange, call, plan);
  } catch (cause) {
    return refuse(exchange, toGateError(cause));
  }
}
