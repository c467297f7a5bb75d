import { expect, test } from 'vitest';
import { encodeAwsPath, signAwsRequest } from '../../../src/sinks/aws-signature.ts';

// The worked examples of Amazon's own description:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
};
const host = 'examplebucket.s3.amazonaws.com';
const nowMs = Date.UTC(2013, 4, 24);
const scope = 'Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';

test('PUT object', () => {
  const headers = signAwsRequest(
    {
      method: 'PUT',
      path: encodeAwsPath('/test$file.text'),
      headers: {
        host,
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
      body: 'Welcome to Amazon S3.',
      nowMs,
    },
    credentials,
  );
  expect(headers).toMatchObject({
    'x-amz-date': '20130524T000000Z',
    'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    authorization:
      `AWS4-HMAC-SHA256 ${scope},` +
      'SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,' +
      'Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  });
});

test('GET object', () => {
  const headers = signAwsRequest(
    { method: 'GET', path: '/test.txt', headers: { host, range: 'bytes=0-9' }, body: '', nowMs },
    credentials,
  );
  expect(headers['authorization']).toBe(
    `AWS4-HMAC-SHA256 ${scope},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,` +
      'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  );
});

test.each([
  ['/b/a b+c', '/b/a%20b%2Bc'],
  ['/b/ä/=', '/b/%C3%A4/%3D'],
  ["/b/!'()*~-._", '/b/%21%27%28%29%2A~-._'],
])('%s is written %s', (path, encoded) => {
  expect(encodeAwsPath(path)).toBe(encoded);
});
