/** Where connections go: everything about a backend's address that a request needs, parsed once. */
export interface Origin {
  /** Equal keys share connections: `http://host:port`, `https://host:port` or `unix:/path`. */
  readonly key: string;
  readonly tls: boolean;
  /** To connect to and to verify the certificate against. IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The value of the `host` header: without the port when it is the scheme's own. */
  readonly hostHeader: string;
  /** Put before every path: empty, or starting with a slash and not ending in one. */
  readonly basePath: string;
  /** The socket file, for backends on a unix socket. */
  readonly unixPath: string | null;
}

/** Throws an Error whose message says, in plain words, what is wrong with the address. */
export function parseOrigin(url: string): Origin {
  if (url.startsWith('unix:')) return parseUnixOrigin(url);
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new Error(`not a URL; write it like http://127.0.0.1:8000`);
  }
  const tls = parsed.protocol === 'https:';
  if (!tls && parsed.protocol !== 'http:') {
    throw new Error(`the scheme must be http, https or unix, not ${parsed.protocol.slice(0, -1)}`);
  }
  // A password here would be printed wherever the address is.
  if (parsed.username !== '' || parsed.password !== '') {
    throw new Error('a user name or password does not belong in the URL; use api_key or headers');
  }
  if (url.includes('?')) throw new Error('a query string does not belong in the URL');
  if (url.includes('#')) throw new Error('a fragment (#) does not belong in the URL');
  if (parsed.port === '0') throw new Error('port 0 cannot be connected to');
  const port = parsed.port === '' ? (tls ? 443 : 80) : Number(parsed.port);
  return {
    key: `${tls ? 'https' : 'http'}://${parsed.hostname}:${port}`,
    tls,
    hostname: parsed.hostname.replace(/^\[|\]$/g, ''),
    port,
    hostHeader: parsed.host,
    basePath: parsed.pathname.replace(/\/+$/, ''),
    unixPath: null,
  };
}

function parseUnixOrigin(url: string): Origin {
  const path = url.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
  if (!path.startsWith('/')) throw new Error('a unix address needs an absolute path: unix:/path');
  if (path.includes('\0')) throw new Error('a unix address must not contain NUL');
  // The kernel's limit; a longer path would be cut off, and meet another file.
  if (Buffer.byteLength(path) > 107) throw new Error('a unix socket path has at most 107 bytes');
  return {
    key: `unix:${path}`,
    tls: false,
    hostname: '',
    port: 0,
    hostHeader: 'localhost',
    basePath: '',
    unixPath: path,
  };
}
