import { BadValue } from './bad-value.ts';

const EXAMPLE = 'write it like http://127.0.0.1:8000';

/**
 * The base of a backend without trailing slash and without `/v1`, which every route adds itself; or
 * `unix:` and the path of a socket.
 * Messages never repeat the text: a URL with credentials must not reach a terminal. Throws BadValue.
 */
export function parseBackendUrl(text: string): string {
  if (/[\s\p{Cc}]/u.test(text)) throw new BadValue('the URL contains blanks');
  if (text.startsWith('unix:')) return parseSocketPath(text);
  if (!/^https?:\/\//i.test(text)) {
    throw new BadValue(`a backend URL starts with http://, https:// or unix:; ${EXAMPLE}`);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new BadValue(`not a URL; ${EXAMPLE}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BadValue('credentials do not belong in a URL; use api_key or headers');
  }
  if (text.includes('?') || text.includes('#')) {
    throw new BadValue('a backend URL has no query and no fragment; use headers for extras');
  }
  if (url.port === '0') throw new BadValue('port 0 cannot be connected to');
  const path = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '');
  return `${url.origin}${path}`;
}

/** The kernel's limit; a longer path would be cut off, and meet another file. */
const SOCKET_PATH_BYTES_MAX = 107;

function parseSocketPath(text: string): string {
  const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
  if (!path.startsWith('/')) {
    throw new BadValue('a unix socket needs an absolute path; write it like unix:/run/vllm.sock');
  }
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw new BadValue(`the path of a unix socket has at most ${SOCKET_PATH_BYTES_MAX} bytes`);
  }
  return `unix:${path}`;
}
