import { nanoUsd, toUsdString } from '../core/money.ts';
import type { HashedEvent } from './event-text.ts';

// Rows as they leave the gateway: one JSON document on one line, described in docs/export.md. They
// are made of the text that the hash covers, so that whoever has the lines can verify the chain.

/** Raised only when a field changes its meaning; new ones may be added at any time. */
const SCHEMA = 1;

/** What a line of any chain begins with. */
interface LineHead {
  readonly chain: 'requests' | 'admin_events' | 'checkpoints';
  readonly installId: string;
  readonly seq: number;
  /** Hexadecimal; null for a checkpoint, whose note is signed. */
  readonly hash: string | null;
  readonly timeMs: number;
}

function renderHead({ chain, installId, seq, hash, timeMs }: LineHead): string {
  const install = JSON.stringify(installId);
  const shown = hash === null ? '' : `,"hash":"${hash}"`;
  const time = new Date(timeMs).toISOString();
  return `{"schema":${SCHEMA},"chain":"${chain}","install":${install},"seq":${seq}${shown},"time":"${time}"`;
}

/** The fields of `dimensions.words`, in their order. */
const DIMENSIONS = ['key', 'user', 'team', 'tenant', 'tags', 'model', 'backend', 'endpoint'];

/** The fields of `endings.words`, in their order. */
const ENDINGS = ['outcome', 'code', 'usage_source', 'estimated', 'streamed', 'status'];

/** Lines 5 to 18 of the hashed text, in their order. */
const NUMBERS = [
  'started_at_ms',
  'duration_ms',
  'ttft_us',
  'backend_us',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'audio_input_tokens',
  'image_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'audio_output_tokens',
  'image_output_tokens',
  'gpu_us',
];

const ATTEMPT = ['attempt', 'backend', 'started_at_ms', 'duration_us', 'code', 'status'];

/** A finished request out of the text that its hash covers, the last line (attempts) apart. */
export interface RequestLineParts {
  readonly installId: string;
  readonly hash: string;
  /** What `toRequestText` says, or the same without its last line. */
  readonly text: string;
  /** The stored attempts as JSON; empty when there are none. */
  readonly attemptsText: string;
}

export function renderRequestLine(parts: RequestLineParts): string {
  const [seq = '', idHex = '', dimensions = '', ending = '', ...rest] = parts.text.split('\n');
  const numbers = rest.slice(0, NUMBERS.length);
  const [price = '', cost = '', attempts = '', contentRef = ''] = rest.slice(NUMBERS.length);
  const head = renderHead({
    chain: 'requests',
    installId: parts.installId,
    seq: Number(seq),
    hash: parts.hash,
    timeMs: Number(numbers[0]),
  });
  const costUsd = cost === '' ? null : toUsdString(nanoUsd(Number(cost)));
  return [
    head,
    `"id":"${toUuid(idHex)}"`,
    ...nameEach(DIMENSIONS, parseWords(dimensions)),
    ...nameEach(ENDINGS, parseWords(ending)),
    ...numbers.map((number, at) => `"${NUMBERS[at]}":${orNull(number)}`),
    `"price":${orNull(price)}`,
    `"cost_nano_usd":${orNull(cost)}`,
    `"cost_usd":${JSON.stringify(costUsd)}`,
    `"attempts":${attempts}`,
    `"content_ref":${contentRef === '' ? 'null' : `"${contentRef}"`}`,
    `"attempt_list":${renderAttempts(parts.attemptsText)}}`,
  ].join(',');
}

function renderAttempts(text: string): string {
  if (text === '') return '[]';
  const rows: unknown[][] = JSON.parse(text);
  return `[${rows.map((row) => `{${nameEach(ATTEMPT, row).join(',')}}`).join(',')}]`;
}

export function renderEventLine(event: HashedEvent, hash: string, installId: string): string {
  const { seq, atMs, actor, origin, action, target, before, after } = event;
  return [
    renderHead({ chain: 'admin_events', installId, seq, hash, timeMs: atMs }),
    `"at_ms":${atMs}`,
    ...nameEach(['actor', 'origin', 'action', 'target'], [actor, origin, action, target]),
    // As they are stored: parsed and written again, a number might not be the same text.
    `"before":${before ?? 'null'}`,
    `"after":${after ?? 'null'}}`,
  ].join(',');
}

/** A signed note and when it was made, which is its place among the others. */
export function renderCheckpointLine(atMs: number, note: string, installId: string): string {
  const head = renderHead({
    chain: 'checkpoints',
    installId,
    seq: atMs,
    hash: null,
    timeMs: atMs,
  });
  return `${head},"note":${JSON.stringify(note)}}`;
}

function nameEach(names: readonly string[], values: readonly unknown[]): string[] {
  return names.map((name, at) => `"${name}":${JSON.stringify(values[at] ?? null)}`);
}

/** A word that its dictionary has lost is an empty text: the row is exported without it. */
function parseWords(text: string): readonly unknown[] {
  return text === '' ? [] : JSON.parse(text);
}

function orNull(text: string): string {
  return text === '' ? 'null' : text;
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
