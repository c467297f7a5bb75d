import { hostname } from 'node:os';
import { parseOrigin } from '../backends/origin.ts';
import type { BackendConfig, TracesConfig } from '../config/config.ts';
import type { Clock, RandomBytes } from '../core/clock.ts';
import { randomBase62 } from '../core/ids.ts';
import { systemTimers } from '../core/timers.ts';
import { COMMON_ATTRIBUTES } from '../observe/genai-names.ts';
import type { Log } from '../observe/log.ts';
import type { TracedBackend } from '../observe/traces/render-request.ts';
import { createSpanIds } from '../observe/traces/span-ids.ts';
import { SpanAttributes } from '../observe/traces/span-json.ts';
import { createTracer, type Tracer } from '../observe/traces/tracer.ts';
import { OtlpExporter, type OtlpStats } from '../sinks/otlp-exporter.ts';

/** Tracing of a running gateway. */
export interface Traces {
  readonly tracer: Tracer;
  stats(): OtlpStats;
  replaceBackends(backends: readonly BackendConfig[]): void;
  /** Sends what is left, within a bound. */
  close(): Promise<void>;
}

interface TracesParts {
  readonly backends: readonly BackendConfig[];
  readonly version: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

export function openTraces(config: TracesConfig, parts: TracesParts): Traces {
  const { version, clock, random, log } = parts;
  let backends = toTraced(parts.backends);
  const exporter = new OtlpExporter({
    ...{ endpoint: config.endpoint, headers: config.headers, version, clock, random, log },
    resource: resourceOf(version, randomBase62(16, random)),
    timers: systemTimers,
  });
  const tracer = createTracer({
    ...{ sample: config.sample, slowMs: config.slowMs, outlet: exporter },
    spanId: createSpanIds(random),
    backendOf: (backend) => backends.get(backend),
  });
  return {
    tracer,
    stats: () => exporter.stats(),
    replaceBackends(next) {
      backends = toTraced(next);
    },
    close: () => exporter.close(),
  };
}

function resourceOf(version: string, instance: string): string {
  return new SpanAttributes()
    .text(COMMON_ATTRIBUTES.serviceName, 'llmgate')
    .text(COMMON_ATTRIBUTES.serviceVersion, version)
    .text(COMMON_ATTRIBUTES.serviceInstance, instance)
    .text(COMMON_ATTRIBUTES.hostName, hostname())
    .toString();
}

function toTraced(backends: readonly BackendConfig[]): ReadonlyMap<string, TracedBackend> {
  return new Map(
    backends.map(({ id, type, url }) => {
      const { hostname: address, port } = parseOrigin(url);
      return [id, { provider: type, address, port }];
    }),
  );
}
