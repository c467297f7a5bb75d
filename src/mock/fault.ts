import { z } from 'zod';

const count = z.int().min(0);
const delay_ms = z.number().min(0).default(0);
const after_tokens = count.optional();
/** What to do with the connection once the scripted bytes are out. */
const ends_with = z.enum(['fin', 'reset', 'stall', 'keep']);
const retry_after = z.union([z.string(), z.number()]).default(1);

export const USAGE_FAULTS = [
  'negative',
  'huge',
  'unsafe',
  'infinite',
  'fractional',
  'string',
  'zero',
  'inconsistent',
  'parts',
  'missing',
  'twice',
  'no_choices',
  'null_choices',
] as const;
export type UsageFault = (typeof USAGE_FAULTS)[number];

function one<K extends string, S extends z.core.$ZodShape>(kind: K, shape: S) {
  return z.strictObject({ kind: z.literal(kind), ...shape });
}

/**
 * Every way in which the mock can misbehave, as it is written in `x-mock` and in scripts. Where
 * `after_tokens` is optional, leaving it out means: before the first byte of the reply.
 * `docs/mock.md` lists them with what a caller sees.
 */
const SCHEMAS = [
  // Another reply in place of the answer.
  one('status', {
    status: z.int().min(200).max(599),
    body: z.unknown().optional(),
    headers: z.record(z.string(), z.string()).default({}),
    delay_ms,
  }),
  one('rate_limit', { retry_after, delay_ms }),
  one('server_error', { delay_ms }),
  one('loading', { delay_ms }),
  one('context_length', { delay_ms }),
  one('unauthorized', { delay_ms }),
  one('html', { delay_ms }),
  one('no_content', { delay_ms }),
  one('redirect', { location: z.string().default('/elsewhere'), delay_ms }),
  one('raw', { text: z.string(), ends_with: ends_with.default('fin'), delay_ms }),
  // The answer is cut.
  one('stall', { after_tokens }),
  one('reset', { after_tokens, delay_ms }),
  one('fin', { after_tokens, delay_ms }),
  one('bad_chunk', { after_tokens: count.default(0) }),
  one('no_terminal', {}),
  one('no_finish', { after_tokens: count.optional() }),
  one('role_only', {}),
  one('error_frame', { after_tokens: count.default(0), message: z.string().default('mock fault') }),
  // Something is put between the tokens of a stream, which then goes on.
  one('malformed', { after_tokens: count.default(0) }),
  one('bad_utf8', { after_tokens: count.default(0) }),
  one('huge_line', { after_tokens: count.default(0), bytes: count.default(10 * 1024 * 1024) }),
  one('comments', {
    after_tokens: count.default(0),
    count: count.optional(),
    every_ms: z.number().min(0).default(1),
  }),
  one('inject', { after_tokens: count.default(0), text: z.string() }),
  // The answer is whole but its bytes are unusual.
  one('usage', { value: z.enum(USAGE_FAULTS) }),
  one('crlf', {}),
  one('drip', { bytes: z.int().min(1).default(1), every_ms: z.number().min(0).default(0) }),
  one('gzip', {}),
  one('close_delimited', {}),
  one('content_length', { delta: z.int() }),
  one('informational', { count: count.default(1000) }),
  one('hop_headers', {}),
  one('huge_header', { bytes: count.default(128 * 1024) }),
  one('close_after', {}),
  one('reset_after', {}),
] as const;

export const faultSchema = z.discriminatedUnion('kind', SCHEMAS);

export type Fault = z.output<typeof faultSchema>;
export type FaultInput = z.input<typeof faultSchema>;
export type FaultKind = Fault['kind'];
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

export const FAULT_KINDS: readonly FaultKind[] = SCHEMAS.map((schema) => schema.shape.kind.value);

/** The fault of this kind, when it is among them. */
export function findFault<K extends FaultKind>(
  faults: readonly Fault[],
  kind: K,
): FaultOf<K> | undefined {
  for (const fault of faults) if (fault.kind === kind) return fault as FaultOf<K>;
  return undefined;
}
