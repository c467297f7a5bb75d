import { BadValue } from './bad-value.ts';

const EXAMPLES = 'write it like 127.0.0.1:8080 or [::1]:8080';

/**
 * `host:port` as an address to bind. Port 0 lets the system choose one. The host must be written:
 * an address that silently means "everybody" is how servers get exposed. Throws BadValue.
 */
export function parseListenAddress(text: string): { hostname: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]\s]*)\]|([^:\s[\]/]*)):(\d+)$/.exec(text) ?? [];
  if (digits === undefined) throw new BadValue(`not a host and a port; ${EXAMPLES}`);
  const hostname = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (port > 65_535) throw new BadValue(`the port ${digits} is over 65535`);
  if (hostname === '' || hostname === '*') {
    throw new BadValue('the host is missing; write 0.0.0.0 to listen on every address');
  }
  if (bracketed !== undefined && !/^[0-9a-fA-F:.%]+$/.test(bracketed)) {
    throw new BadValue(`what is in [] is not an IPv6 address; ${EXAMPLES}`);
  }
  return { hostname, port };
}

/** True for addresses that only this machine can reach. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '::1' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
