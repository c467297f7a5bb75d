import { resolve } from 'node:path';
import type { Listen } from './config.ts';
import { parseListenAddress } from './listen-address.ts';
import type { ConfigFile } from './schema.ts';

export function resolveListen(listen: ConfigFile['listen'], folder: string): Listen {
  if (typeof listen === 'string') return { ...parseListenAddress(listen), tls: null };
  const { address, tls } = listen;
  if (tls === undefined) return { ...parseListenAddress(address), tls: null };
  const certFile = resolve(folder, tls.cert_file);
  const keyFile = resolve(folder, tls.key_file);
  return { ...parseListenAddress(address), tls: { certFile, keyFile } };
}
