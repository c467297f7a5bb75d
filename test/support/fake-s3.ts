import { createHash, createHmac } from 'node:crypto';
import { type HttpReceiver, type ReceivedRequest, startHttpReceiver } from './http-receiver.ts';

export interface FakeS3 extends AsyncDisposable {
  readonly receiver: HttpReceiver;
  /** Name to content, buckets included: `audit/requests/…`. */
  readonly objects: ReadonlyMap<string, string>;
}

/**
 * Keeps objects whose request is signed, as S3 checks it: from what arrived, not from what was
 * meant. Refuses all others with 403.
 */
export function startFakeS3(secretAccessKey: string): FakeS3 {
  const objects = new Map<string, string>();
  const receiver = startHttpReceiver();
  receiver.answerWith((request) => {
    if (request.method !== 'PUT' || !isSigned(request, secretAccessKey)) {
      return new Response('<Code>SignatureDoesNotMatch</Code>', { status: 403 });
    }
    objects.set(decodeURIComponent(request.path.slice(1)), request.body);
    return new Response(null, { headers: { etag: '"0"' } });
  });
  return { receiver, objects, [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose]() };
}

function isSigned({ method, path, headers, body }: ReceivedRequest, secret: string): boolean {
  const found =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.get('authorization') ?? '',
    );
  if (found === null) return false;
  const [, day = '', region = '', signedNames = '', signature] = found;
  const names = signedNames.split(';');
  for (const must of ['host', 'x-amz-date', 'x-amz-content-sha256']) {
    if (!names.includes(must)) return false;
  }
  const bodyHash = createHash('sha256').update(body).digest('hex');
  if (headers.get('x-amz-content-sha256') !== bodyHash) return false;
  if (headers.get('content-md5') !== createHash('md5').update(body).digest('base64')) return false;
  const time = headers.get('x-amz-date') ?? '';
  if (!/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(day)) return false;
  const canonical = [
    method,
    path,
    '',
    ...names.map((name) => `${name}:${headers.get(name)}`),
    '',
    signedNames,
    bodyHash,
  ].join('\n');
  const canonicalHash = createHash('sha256').update(canonical).digest('hex');
  const scope = [day, region, 's3', 'aws4_request'];
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), canonicalHash].join('\n');
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [...scope, toSign]) key = createHmac('sha256', key).update(part).digest();
  return key.toString('hex') === signature;
}
