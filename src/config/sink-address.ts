import { BadValue } from './bad-value.ts';

const URL_EXAMPLE = 'write it like https://hooks.example.com/llmgate';
const SYSLOG_EXAMPLE = 'write it like udp://127.0.0.1:514, tcp://… or tls://…';

export interface SyslogTarget {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly hostname: string;
  readonly port: number;
}

/**
 * An http or https URL that events are sent to. Messages never repeat the text: a URL with
 * credentials must not reach a terminal. Throws BadValue.
 */
export function parseWebUrl(text: string): URL {
  if (/[\s\p{Cc}]/u.test(text)) throw new BadValue('the URL contains blanks');
  if (!/^https?:\/\//i.test(text)) {
    throw new BadValue(`the URL starts with http:// or https://; ${URL_EXAMPLE}`);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new BadValue(`not a URL; ${URL_EXAMPLE}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BadValue('credentials do not belong in a URL; what is sent is signed instead');
  }
  if (text.includes('#')) throw new BadValue('the URL has a fragment, which is never sent');
  if (url.port === '0') throw new BadValue('port 0 cannot be connected to');
  return url;
}

/** `tls://host:6514`, `udp://[::1]`: where syslog listens. Throws BadValue. */
export function parseSyslogAddress(text: string): SyslogTarget {
  const [, scheme, bracketed, plain, digits] =
    /^(udp|tcp|tls):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/?#@[\]]+))(?::(\d+))?\/?$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  if (hostname === undefined) throw new BadValue(`not a syslog address; ${SYSLOG_EXAMPLE}`);
  const transport = scheme === 'udp' || scheme === 'tcp' ? scheme : 'tls';
  const port = digits === undefined ? (transport === 'tls' ? 6514 : 514) : Number(digits);
  if (port < 1 || port > 65_535) throw new BadValue('the port must be between 1 and 65535');
  return { transport, hostname, port };
}
