import { createHash, createHmac } from 'node:crypto';

// AWS Signature Version 4 for one request whose body is at hand:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

export interface AwsRequest {
  readonly method: string;
  /** As it stands on the request line: every part of it encoded by `encodeAwsPath`. No query. */
  readonly path: string;
  /** All that is signed, `host` included; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly nowMs: number;
}

/** The headers to send: those of the request, the time, the hash of the body, `authorization`. */
export function signAwsRequest(
  request: AwsRequest,
  { accessKeyId, secretAccessKey, region }: AwsCredentials,
): Record<string, string> {
  const { method, path, body, nowMs } = request;
  const time = `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const day = time.slice(0, 8);
  const bodyHash = sha256(body);
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': time,
  };
  const names = Object.keys(headers).toSorted();
  const lines = names.map((name) => `${name}:${headers[name]?.trim().replaceAll(/ +/g, ' ')}\n`);
  const signedNames = names.join(';');
  const canonical = `${method}\n${path}\n\n${lines.join('')}\n${signedNames}\n${bodyHash}`;
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`;
  const dayKey = hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), 's3');
  const signature = hmac(hmac(dayKey, 'aws4_request'), toSign).toString('hex');
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},SignedHeaders=${signedNames},Signature=${signature}`;
  return headers;
}

/** Everything but letters, digits, `-._~` and the slashes between parts, as S3 encodes it. */
export function encodeAwsPath(path: string): string {
  return path
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replaceAll(
        /[!'()*]/g,
        (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/');
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}
