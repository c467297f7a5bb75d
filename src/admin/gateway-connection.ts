/** How a running gateway is reached: its socket, or the address of its admin plane and a key. */
export type GatewayConnection =
  | { readonly socketPath: string }
  | {
      /** Scheme, host and port, without a slash at the end; see `parseGatewayUrl`. */
      readonly url: string;
      readonly key: string;
    };

/** What `fetch` needs to reach it. */
export interface ConnectionParts {
  readonly url: string;
  readonly unix?: string;
  /** A redirect would take the key elsewhere. */
  readonly redirect: 'error';
  readonly headers: Readonly<Record<string, string>>;
}

export function toFetch(connection: GatewayConnection): ConnectionParts {
  if ('socketPath' in connection) {
    return { url: 'http://llmgate', unix: connection.socketPath, redirect: 'error', headers: {} };
  }
  const { url, key } = connection;
  return { url, redirect: 'error', headers: { authorization: `Bearer ${key}` } };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it hung up',
  ENOTFOUND: 'there is no such host',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted here',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted here',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  UnexpectedRedirect: 'it sends elsewhere, and a key is not taken there',
};

/** Why no answer came, in one sentence. */
export function explainSilence(connection: GatewayConnection, cause: unknown): string {
  if ('socketPath' in connection) {
    return `the gateway does not answer on its admin socket ${connection.socketPath}`;
  }
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason =
    REASONS[code] ?? (cause instanceof SyntaxError ? 'what answers is no llmgate' : '');
  const why = reason === '' ? '' : `: ${reason}`;
  return `no gateway answers on ${connection.url}${why}`;
}

/**
 * The address of an admin plane as an operator writes it. Throws an Error whose message says what is
 * wrong with it and does not repeat it: somebody may have put a password in it.
 */
export function parseGatewayUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Error('write it like https://gpu-box:9443');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new Error('it is only a scheme, a host and a port; the key goes into LLMGATE_ADMIN_KEY');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new Error('the key would be sent in clear: write https://, or tunnel the port');
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/admin\/v1$/, '');
  return `${url.origin}${path}`;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
