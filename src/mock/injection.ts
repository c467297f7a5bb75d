import { type Fault, type FaultKind, type FaultOf, findFault, type UsageFault } from './fault.ts';
import type { Drip } from './outbox.ts';

const REPLACEMENTS = [
  'status',
  'rate_limit',
  'server_error',
  'loading',
  'context_length',
  'unauthorized',
  'html',
  'no_content',
  'redirect',
  'raw',
] as const satisfies FaultKind[];
const CUTS = [
  'stall',
  'reset',
  'fin',
  'bad_chunk',
  'no_finish',
  'role_only',
  'error_frame',
] as const satisfies FaultKind[];
const INSERTS = [
  'malformed',
  'bad_utf8',
  'huge_line',
  'comments',
  'inject',
] as const satisfies FaultKind[];

export type Replacement = FaultOf<(typeof REPLACEMENTS)[number]>;
export type Cut = FaultOf<(typeof CUTS)[number]>;
export type Insert = FaultOf<(typeof INSERTS)[number]>;

/** What is odd about the bytes of a reply that is otherwise whole. */
export interface ReplyShape {
  readonly isCloseDelimited: boolean;
  readonly contentLengthDelta: number | null;
  readonly isGzip: boolean;
  readonly isCrlf: boolean;
  readonly drip: Drip | null;
  readonly informationalCount: number;
  readonly hasHopHeaders: boolean;
  readonly paddingBytes: number;
  readonly after: 'keep' | 'fin' | 'reset';
}

/** The faults of one request, sorted by where in the answer they act. */
export interface Injection {
  /** For the request log; null when nothing is wrong. */
  readonly name: string | null;
  readonly replacement: Replacement | null;
  readonly cut: Cut | null;
  /** By rising `after_tokens`. */
  readonly inserts: readonly Insert[];
  readonly skipsTerminal: boolean;
  readonly usage: UsageFault | null;
  readonly shape: ReplyShape;
}

const PLAIN_SHAPE: ReplyShape = {
  isCloseDelimited: false,
  contentLengthDelta: null,
  isGzip: false,
  isCrlf: false,
  drip: null,
  informationalCount: 0,
  hasHopHeaders: false,
  paddingBytes: 0,
  after: 'keep',
};

const NO_INJECTION: Injection = {
  name: null,
  replacement: null,
  cut: null,
  inserts: [],
  skipsTerminal: false,
  usage: null,
  shape: PLAIN_SHAPE,
};

export function createInjection(faults: readonly Fault[]): Injection {
  if (faults.length === 0) return NO_INJECTION;
  return {
    name: faults.map(({ kind }) => kind).join('+'),
    replacement: ofKinds(faults, REPLACEMENTS)[0] ?? null,
    cut: ofKinds(faults, CUTS)[0] ?? null,
    inserts: ofKinds(faults, INSERTS).sort((a, b) => a.after_tokens - b.after_tokens),
    skipsTerminal: findFault(faults, 'no_terminal') !== undefined,
    usage: findFault(faults, 'usage')?.value ?? null,
    shape: shapeOf(faults),
  };
}

/** Where the answer is cut: null is before the first byte of the reply. */
export function cutAfterTokens(cut: Cut): number | null {
  switch (cut.kind) {
    case 'role_only':
      return 0;
    case 'no_finish':
      // Left out: after the last token, so that only the finish is missing.
      return cut.after_tokens ?? Number.POSITIVE_INFINITY;
    default:
      return cut.after_tokens ?? null;
  }
}

function shapeOf(faults: readonly Fault[]): ReplyShape {
  const drip = findFault(faults, 'drip');
  return {
    isCloseDelimited: findFault(faults, 'close_delimited') !== undefined,
    contentLengthDelta: findFault(faults, 'content_length')?.delta ?? null,
    isGzip: findFault(faults, 'gzip') !== undefined,
    isCrlf: findFault(faults, 'crlf') !== undefined,
    drip: drip === undefined ? null : { bytes: drip.bytes, everyMs: drip.every_ms },
    informationalCount: findFault(faults, 'informational')?.count ?? 0,
    hasHopHeaders: findFault(faults, 'hop_headers') !== undefined,
    paddingBytes: findFault(faults, 'huge_header')?.bytes ?? 0,
    after: afterOf(faults),
  };
}

function afterOf(faults: readonly Fault[]): ReplyShape['after'] {
  if (findFault(faults, 'reset_after') !== undefined) return 'reset';
  // More bytes were promised than come: only the end of the connection can tell.
  if ((findFault(faults, 'content_length')?.delta ?? 0) > 0) return 'fin';
  return findFault(faults, 'close_after') !== undefined ? 'fin' : 'keep';
}

function ofKinds<K extends FaultKind>(faults: readonly Fault[], kinds: readonly K[]): FaultOf<K>[] {
  return faults.filter((fault): fault is FaultOf<K> =>
    (kinds as readonly FaultKind[]).includes(fault.kind),
  );
}
