import type { RandomBytes } from '../../core/clock.ts';
import type { CapturedContent, KeptMode, KeptPart } from './content-message.ts';
import { SALT_BYTES, toContentReference } from './content-reference.ts';
import type { DataKey } from './data-keys.ts';
import { redactBody } from './redact-body.ts';
import { seal, unseal } from './seal.ts';

/** A row of `contents`. */
export interface ContentRow {
  readonly id: Uint8Array;
  readonly data_key: number;
  readonly mode: KeptMode;
  readonly at_ms: number;
  readonly request_bytes: number;
  readonly request_truncated: number;
  readonly answer_bytes: number;
  readonly answer_truncated: number;
  readonly salt: Uint8Array;
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
}

type PartName = 'salt' | 'request' | 'answer';

/** What is authenticated with each part beside its bytes. */
interface PartFacts {
  readonly requestId: string;
  readonly part: PartName;
  readonly mode: KeptMode;
  readonly sizeBytes: number;
  readonly isTruncated: boolean;
}

export interface SealedContent {
  readonly row: ContentRow;
  readonly reference: Buffer;
}

/** Redacts where that is asked for, compresses, encrypts. */
export function sealContent(
  content: CapturedContent,
  dataKey: DataKey,
  random: RandomBytes,
): SealedContent {
  const { requestId, mode } = content;
  const salt = random(SALT_BYTES);
  const lock = (part: PartName, plaintext: Uint8Array, kept: KeptPart | null): Buffer => {
    const { sizeBytes = SALT_BYTES, isTruncated = false } = kept ?? {};
    const facts = { requestId, part, mode, sizeBytes, isTruncated };
    return seal(dataKey.key, plaintext, contextOf(facts), random);
  };
  const request = toKept(content.request, mode);
  const answer = toKept(content.answer, mode);
  const row: ContentRow = {
    id: fromRequestId(requestId),
    data_key: dataKey.id,
    mode,
    at_ms: content.atMs,
    request_bytes: request.sizeBytes,
    request_truncated: Number(request.isTruncated),
    answer_bytes: answer.sizeBytes,
    answer_truncated: Number(answer.isTruncated),
    salt: lock('salt', salt, null),
    request: lock('request', Bun.zstdCompressSync(request.bytes), request),
    answer: lock('answer', Bun.zstdCompressSync(answer.bytes), answer),
  };
  return { row, reference: toContentReference(salt, request.bytes, answer.bytes) };
}

function toKept({ bytes, sizeBytes }: CapturedContent['request'], mode: KeptMode): KeptPart {
  const isTruncated = bytes.byteLength < sizeBytes;
  return {
    bytes: mode === 'full' ? bytes : redactBody(bytes, isTruncated),
    sizeBytes,
    isTruncated,
  };
}

export interface OpenedContent {
  readonly request: KeptPart;
  readonly answer: KeptPart;
  readonly reference: Uint8Array;
}

/** What `sealContent` locked up; null when any part of the row is not what it was. */
export function openContent(row: ContentRow, key: Uint8Array): OpenedContent | null {
  const requestId = toRequestId(row.id);
  const { mode } = row;
  const requestFacts = { sizeBytes: row.request_bytes, isTruncated: row.request_truncated === 1 };
  const answerFacts = { sizeBytes: row.answer_bytes, isTruncated: row.answer_truncated === 1 };
  const unlock = (part: PartName, sealed: Uint8Array, facts: Omit<KeptPart, 'bytes'>) =>
    unseal(key, sealed, contextOf({ requestId, part, mode, ...facts }));
  const salt = unlock('salt', row.salt, { sizeBytes: SALT_BYTES, isTruncated: false });
  const request = unlock('request', row.request, requestFacts);
  const answer = unlock('answer', row.answer, answerFacts);
  if (salt === null || request === null || answer === null) return null;
  const requestBytes = Bun.zstdDecompressSync(request);
  const answerBytes = Bun.zstdDecompressSync(answer);
  return {
    request: { bytes: requestBytes, ...requestFacts },
    answer: { bytes: answerBytes, ...answerFacts },
    reference: toContentReference(salt, requestBytes, answerBytes),
  };
}

function contextOf({ requestId, part, mode, sizeBytes, isTruncated }: PartFacts): string {
  return ['llmgate content 1', requestId, part, mode, sizeBytes, Number(isTruncated)].join('\n');
}

/** UUID text as its 16 bytes. */
export function fromRequestId(requestId: string): Buffer {
  return Buffer.from(requestId.replaceAll('-', ''), 'hex');
}

function toRequestId(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
