import { createFileSink, type FileSinkConfig } from './file-sink.ts';
import { createS3Sink, type S3SinkConfig } from './s3-sink.ts';
import type { Sink, SinkParts } from './sink.ts';
import { createSyslogSink, type SyslogSinkConfig } from './syslog-sink.ts';
import type { WebhookAddress } from './webhook.ts';
import { createWebhookSink } from './webhook-sink.ts';

/** What the configuration file says of one sink. */
export type SinkConfig =
  | ({ readonly type: 'file' } & FileSinkConfig)
  | ({ readonly type: 'syslog' } & SyslogSinkConfig)
  | ({ readonly type: 's3' } & S3SinkConfig)
  | ({ readonly type: 'webhook'; readonly id: string } & WebhookAddress);

export interface OpenSinkParts extends SinkParts {
  /** How this machine and this process call themselves in syslog. */
  readonly hostname: string;
  readonly processId: number;
}

/** The sink of a configuration. Connects to nothing yet; throws for a secret that is unusable. */
export function openSink(config: SinkConfig, parts: OpenSinkParts): Sink {
  switch (config.type) {
    case 'file':
      return createFileSink(config);
    case 'syslog':
      return createSyslogSink(config, parts, parts);
    case 's3':
      return createS3Sink(config, parts);
    case 'webhook':
      return createWebhookSink(config, parts);
  }
}
