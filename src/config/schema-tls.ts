import * as z from 'zod';
import { Text } from './schema-values.ts';

export const Tls = z.strictObject({
  cert_file: Text.meta({
    description: 'PEM file with the certificate chain, relative to the folder of this file.',
  }),
  key_file: Text.meta({
    description: 'PEM file with the private key, not readable by other users.',
  }),
});
