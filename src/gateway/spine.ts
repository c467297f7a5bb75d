import { toGateError } from '../core/error.ts';
import type { Route } from '../protocols/route.ts';
import { authenticate } from './authenticate.ts';
import { authorize } from './authorize.ts';
import { Course } from './course.ts';
import { Exchange } from './exchange.ts';
import { forward } from './forward.ts';
import type { Gate } from './gate.ts';
import { limit } from './limit.ts';
import { listModels } from './list-models.ts';
import type { ConnectionWatch } from './ports.ts';
import { read } from './read.ts';
import { refuse } from './refuse.ts';
import { record, reserve } from './reserve.ts';
import { route } from './route.ts';
import { copyToShadow } from './shadow.ts';

export interface Matched {
  readonly route: Route;
  /** Set on `/v1/models/{id}`. */
  readonly modelId?: string;
}

/**
 * A request and its reply. The reply settles when its body ends, not when this has resolved; one
 * that waits long for its turn may have begun before there is anything to say.
 */
export function handle(
  request: Request,
  matched: Matched,
  gate: Gate,
  connections: ConnectionWatch,
): Promise<Response> {
  const exchange = new Exchange(request, matched.route, gate, connections);
  request.signal.addEventListener('abort', () => exchange.callerGone());
  return new Promise((respond, fail) => {
    exchange.mayRespondEarly(respond);
    run(exchange, matched).then((response) => {
      if (response !== null) respond(response);
    }, fail);
  });
}

/** Is the gateway itself up to it? Throws 503 `overloaded` before anything is taken. */
function admit(exchange: Exchange): void {
  const { gate, generation } = exchange;
  const { overload } = generation;
  try {
    // This one is counted already.
    gate.load.check(overload, gate.inFlight.size - 1);
    if (overload.perAddress === null) return;
    const address = exchange.callerAddress() ?? '';
    gate.load.enter(address, overload);
    exchange.countedAddress = address;
  } catch (cause) {
    gate.counters.overloaded += 1;
    throw cause;
  }
}

/**
 * The path of every request, stage by stage; `docs/request-path.md` tells it in words. A stage
 * throws to refuse. Null when the reply has begun already.
 */
async function run(exchange: Exchange, { modelId }: Matched): Promise<Response | null> {
  try {
    admit(exchange);
    const caller = authenticate(exchange);
    const call = await read(exchange);
    // What the next stages take for a request that is over would never be given back.
    exchange.throwIfStopped();
    exchange.awaitAnswer();
    const model = authorize(exchange, caller, call);
    limit(exchange, caller, call);
    if (model === null) return await listModels(exchange, caller, modelId);
    const asked = { caller, call, model };
    const plan = reserve(exchange, asked, route(exchange, caller, call, model));
    const course = new Course(exchange, asked, plan);
    const place = await course.firstPlace();
    await record(exchange, asked, place.target);
    copyToShadow(exchange, call, plan.choice.shadow);
    return await forward(exchange, call, course, place);
  } catch (cause) {
    return refuse(exchange, toGateError(cause));
  }
}
