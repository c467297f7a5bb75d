import * as z from 'zod';
import { ENDPOINTS } from '../core/call.ts';
import { BALANCES } from '../routing/balance.ts';
import { SESSION_SOURCES } from '../routing/model-table.ts';
import { Target } from './schema-targets.ts';
import {
  Concurrency,
  DayTimes,
  HedgeDelay,
  Scalar,
  Share,
  Text,
  Texts,
  Timeout,
  Tokens,
} from './schema-values.ts';

/** Days of the week, Monday first. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const Targets = z.array(Target);

const When = z.strictObject({
  header: z.record(z.string(), Text).default({}).meta({
    description: 'Headers and what their values look like, with * as wildcard; any by default.',
  }),
  key: Texts.optional().meta({
    description: 'Ids or names of keys, one or a list, with * as wildcard; any by default.',
  }),
  user: Texts.optional().meta({
    description: 'Users of keys, one or a list, with * as wildcard; any by default.',
  }),
  team: Texts.optional().meta({
    description: 'Teams of keys, one or a list, with * as wildcard; any by default.',
    examples: ['research*'],
  }),
  tenant: Texts.optional().meta({
    description: 'Tenants of keys, one or a list, with * as wildcard; any by default.',
  }),
  tag: z.record(z.string(), Scalar).default({}).meta({
    description:
      'Tags of the key or of x-llmgate-tags and what they look like, with * as wildcard; any by default.',
  }),
  parameter: z.record(z.string(), Scalar).default({}).meta({
    description:
      'Members at the top of the body and what they look like, with * as wildcard, as in reasoning_effort: high; any by default.',
  }),
  endpoint: z
    .union([z.array(z.enum(ENDPOINTS)).min(1), z.enum(ENDPOINTS)])
    .optional()
    .meta({ description: 'Endpoints, one or a list; any by default.', examples: ['embeddings'] }),
  stream: z.boolean().optional().meta({
    description: 'Only requests that are streamed, or only those that are not; both by default.',
  }),
  input_tokens_over: Tokens.optional().meta({
    description: 'Only requests with more input than this, by estimate; any by default.',
    examples: [32_000],
  }),
  between: DayTimes.optional().meta({
    description:
      'Times of day in the zone of timezone, the second one excluded, also over midnight; any by default.',
    examples: ['22:00-06:00'],
  }),
  weekdays: z
    .array(z.enum(WEEKDAYS))
    .min(1)
    .optional()
    .meta({
      description: 'Days of the week in the zone of timezone; any by default.',
      examples: [['sat', 'sun']],
    }),
});

const Rule = z.strictObject({
  when: When.prefault({}).meta({
    description: 'What must be so of a request, all of it together; nothing by default.',
  }),
  targets: Targets.optional().meta({
    description: 'Targets in place of those of the model; these or labels are required.',
  }),
  labels: z
    .array(Text)
    .min(1)
    .optional()
    .meta({
      description:
        'Only targets whose backends have all of these labels; these or targets are required.',
      examples: [['local']],
    }),
});

const Variant = z.strictObject({
  share: Share.meta({
    description: 'Part of the sessions that is answered by these targets; required.',
    examples: ['5%'],
  }),
  targets: Targets.meta({ description: 'Targets in place of those of the model; required.' }),
});

const Shadow = z.strictObject({
  target: Target.meta({
    description: 'Where copies are sent to: a backend id, or a backend and a model; required.',
  }),
  share: Share.default('100%').meta({
    description: 'Part of the requests that is copied; default 100%.',
  }),
});

const Hedge = z.strictObject({
  after: HedgeDelay.meta({
    description:
      'When a second request is sent: a duration, or a percentile of the model’s own first tokens; required.',
    examples: ['p95', '800ms'],
  }),
  budget: Share.default('5%').meta({
    description: 'Part of the requests that may be sent twice; default 5%.',
  }),
});

const Names = z.array(Text);

const FallbackByCause = z.strictObject({
  unavailable: Names.default([]).meta({
    description: 'Models to ask when no target could answer; none by default.',
  }),
  rate_limited: Names.default([]).meta({
    description: 'Models to ask when every target limits us; none by default.',
  }),
  context: Names.default([]).meta({
    description: 'Models to ask when the input is too long for this one; none by default.',
  }),
  refused: Names.default([]).meta({
    description: 'Models to ask when the content was refused; none by default.',
  }),
  budget: Names.default([]).meta({
    description: 'Models to ask when the money for this one is gone; none by default.',
  }),
});

/** The keys of a model that say how its requests find their target. */
export const ROUTING = {
  balance: z.enum(BALANCES).default('least_busy').meta({
    description:
      'How one of the targets is chosen: in turn, by weight, the least busy, the fastest, the cheapest, or the one whose cache holds the conversation; default least_busy.',
  }),
  first_byte: Timeout.optional().meta({
    description: 'Longest wait for the first byte of an answer; defaults to timeouts.first_byte.',
  }),
  max_concurrency: Concurrency.optional().meta({
    description:
      'Requests that may be answered at once on all targets, the others wait in line; no limit by default.',
  }),
  session: z
    .array(z.enum(SESSION_SOURCES))
    .default([])
    .meta({
      description:
        'Where the name of a session is looked for, in this order; requests of one session stay together. Nowhere by default.',
      examples: [['x-session-id', 'prompt_cache_key', 'user']],
    }),
  rules: z.array(Rule).default([]).meta({
    description:
      'Other targets for some requests; the first whose condition holds decides; none by default.',
  }),
  split: z.record(z.string(), Variant).default({}).meta({
    description:
      'Parts of the sessions that other targets answer, by a name that usage shows as the tag variant; none by default.',
  }),
  shadow: Shadow.optional().meta({
    description:
      'Where copies of requests are sent to, whose answers nobody sees and whose cost is booked apart; nowhere by default.',
  }),
  fallback: z
    .union([Names, FallbackByCause])
    .default([])
    .meta({
      description:
        'Models to ask when this one cannot answer: a list for when it is unavailable or rate limited, or a map with a list for each cause; none by default.',
      examples: [['small']],
    }),
  hedge: Hedge.optional().meta({
    description:
      'A second request beside a slow first one, and whichever answers first is used; off by default.',
  }),
};
