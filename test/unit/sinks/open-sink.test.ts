import { expect, test } from 'vitest';
import type { ExportConfig } from '../../../src/config/config.ts';
import { openSink, type SinkConfig } from '../../../src/sinks/open-sink.ts';
import { createFakeTime } from '../../support/fake-time.ts';

const webhook = { id: 'hook', type: 'webhook', url: 'http://127.0.0.1:9', secret: 's' } as const;

// Typed as the configuration has them: what it can say must be what a sink can be made of.
const configs: readonly ExportConfig[] = [
  { id: 'file', type: 'file', path: '/nowhere/audit.jsonl' },
  { id: 'syslog', type: 'syslog', transport: 'tls', hostname: 'logs.example', port: 6514 },
  {
    id: 's3',
    type: 's3',
    endpoint: 'http://127.0.0.1:9',
    region: 'us-east-1',
    bucket: 'audit',
    prefix: '',
    accessKeyId: 'AK',
    secretAccessKey: 'SK',
  },
  webhook,
];

const parts = { ...createFakeTime(), installId: 'box-1', hostname: 'box', processId: 1 };

test.each(configs)('$type is opened and reaches for nothing yet', async (config: SinkConfig) => {
  const sink = openSink(config, parts);
  expect(sink).toMatchObject({ id: config.id, type: config.type });
  await sink.close();
});

test('a secret that cannot be used is told at the start, unrepeated', () => {
  const open = () => openSink({ ...webhook, secret: 'whsec_!!!' }, parts);
  expect(open).toThrow('must go on in base64');
  expect(open).not.toThrow('!!!');
});
