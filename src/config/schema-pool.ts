import * as z from 'zod';
import {
  Concurrency,
  Period,
  Share,
  Size,
  Text,
  Timeout,
  TimeoutOrOff,
  Tokens,
  Weight,
} from './schema-values.ts';

export const Retries = z.strictObject({
  attempts: z.int().min(1).max(20).default(2).meta({
    description:
      'Attempts for one request in all, the first one, other targets and fallbacks included; default 2.',
  }),
  budget: Share.default('20%').meta({
    description:
      'Attempts beyond the first, as a part of all requests to a backend: more is not tried, so that retries never become a storm; default 20%.',
  }),
  backoff: Timeout.default('100ms').meta({
    description:
      'First wait before the same backend is asked again; it doubles, with jitter; default 100ms.',
  }),
  max_wait: Timeout.default('5s').meta({
    description:
      'Longest time that a backend’s Retry-After is waited for; a longer one ends the attempts there; default 5s.',
  }),
  hold: Timeout.default('5s').meta({
    description:
      'How long a stream is held back while it has no content yet, so that another backend can take over; default 5s.',
  }),
  hold_bytes: Size.default('64KB').meta({
    description: 'Most bytes of a stream that are held back; default 64KB.',
  }),
});

const Count = z.int().min(1).max(1_000_000);

export const Queue = z.strictObject({
  max_waiting: z.int().min(0).max(1_000_000).default(1_000).meta({
    description:
      'Requests that may wait in line, in all; more are refused; 0 lets none wait; default 1000.',
  }),
  max_wait: Timeout.default('30s').meta({
    description: 'Longest wait in line; default 30s.',
  }),
  fair_by: z.enum(['key', 'user', 'team', 'tenant']).default('key').meta({
    description: 'Whose shares are equal when there is not enough for everybody; default key.',
  }),
  weights: z.record(z.string(), Weight).default({}).meta({
    description:
      'Shares of single keys (by id), users, teams or tenants, as fair_by says; 1 for everybody by default.',
  }),
  priorities: z.array(Text).default(['high', 'normal', 'low']).meta({
    description:
      'Classes that x-llmgate-priority may name, the first is served first; by default high, normal and low.',
  }),
  default_priority: Text.default('normal').meta({
    description: 'The class of requests that name none; default normal.',
  }),
  engine_queue: z.int().min(0).max(100_000).default(8).meta({
    description:
      'Requests an engine may have in its own queue before no more are sent to it; default 8.',
  }),
  sticky_tokens: Tokens.default(262_144).meta({
    description:
      'With balance sticky: prompt tokens on their way at one backend beyond which another one is chosen; default 262144.',
  }),
  keep_alive: TimeoutOrOff.default('10s').meta({
    description:
      'Silence after which a stream that waits gets a comment, or off: it waits for its status instead; default 10s.',
  }),
});

const Breaker = z.strictObject({
  error_rate: Share.default('50%').meta({
    description: 'Part of failed attempts that opens it; default 50%.',
  }),
  min_attempts: Count.default(10).meta({
    description: 'Attempts in the window before it may open; default 10.',
  }),
  window: Period.default('30s').meta({
    description: 'Time over which attempts are counted; default 30s.',
  }),
  open: Timeout.default('5s').meta({
    description:
      'How long nothing is sent after it has opened; doubles up to ten times as long; default 5s.',
  }),
});

export const Health = z.strictObject({
  interval: Period.default('5s').meta({
    description: 'How often the health path of a backend is asked, with jitter; default 5s.',
  }),
  timeout: Timeout.default('2s').meta({
    description: 'Longest wait for its answer; default 2s.',
  }),
  down_after: Count.default(3).meta({
    description: 'Failed answers in a row after which a backend counts as down; default 3.',
  }),
  up_after: Count.default(2).meta({
    description: 'Good answers in a row after which it counts as up again; default 2.',
  }),
  slow_start: TimeoutOrOff.default('30s').meta({
    description:
      'Time over which a backend that came back gets its usual share again, or off; default 30s.',
  }),
  breaker: Breaker.prefault({}).meta({
    description: 'When requests themselves show that a backend is better left alone.',
  }),
  load_interval: Period.default('1s').meta({
    description: 'How often the metrics of an engine are read, with jitter; default 1s.',
  }),
});

export const Overload = z.strictObject({
  bytes_in_flight: Size.default('1GB').meta({
    description:
      'Bytes of request bodies in memory beyond which requests are refused; default 1GB.',
  }),
  requests_in_flight: Count.default(20_000).meta({
    description: 'Requests at once beyond which more are refused; default 20000.',
  }),
  lag: TimeoutOrOff.default('1s').meta({
    description:
      'How late the gateway’s own work may be before requests are refused, or off; default 1s.',
  }),
  per_address: z
    .union([Concurrency, z.literal('off', { error: 'must be a whole number, or off' })])
    .default('off')
    .meta({
      description: 'Requests at once from one address, or off; default off.',
    }),
});
