import { sendDatagrams } from './send-datagrams.ts';
import { sendStream } from './send-stream.ts';
import type { Sink, SinkParts } from './sink.ts';
import { renderSyslog, type SyslogSource } from './syslog-message.ts';

export interface SyslogSinkConfig {
  readonly id: string;
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly hostname: string;
  readonly port: number;
  /** PEM of the authorities to trust instead of the system's. */
  readonly trustedCa?: string;
}

/** Longest datagram: what IPv4 can carry, less its headers, rounded down. */
const DATAGRAM_MAX_BYTES = 65_000;

/** RFC 5424 messages, one per record, to one receiver. */
export function createSyslogSink(
  config: SyslogSinkConfig,
  parts: SinkParts,
  source: Omit<SyslogSource, 'installId'>,
): Sink {
  const { id, transport, hostname, port } = config;
  const from = { ...source, installId: parts.installId };
  return {
    id,
    type: 'syslog',
    gatherMs: 0,
    write({ chain, records }, signal) {
      if (transport === 'udp') {
        const messages = records.map((record) => {
          const message = renderSyslog(chain, record, from);
          if (message.length <= DATAGRAM_MAX_BYTES) return message;
          // Half a document helps nobody. Its place in the chain and its hash still arrive.
          return renderSyslog(chain, { ...record, line: '{"too_long":true}' }, from);
        });
        return sendDatagrams({ hostname, port }, messages, parts.timers, signal);
      }
      // Octet counting, RFC 6587 section 3.4.1 and RFC 5425 section 4.3: the messages are ASCII.
      const bytes = records
        .map((record) => renderSyslog(chain, record, from))
        .map((message) => `${message.length} ${message}`)
        .join('');
      const trust = config.trustedCa === undefined ? {} : { trustedCa: config.trustedCa };
      const address = { hostname, port, isTls: transport === 'tls', ...trust };
      return sendStream(address, bytes, parts, signal);
    },
    close: async () => {},
  };
}
