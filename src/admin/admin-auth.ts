import { createHash, timingSafeEqual } from 'node:crypto';

export const ADMIN_ROLES = ['admin', 'viewer', 'metrics'] as const;
/** `viewer` may only read, and no captured content; `metrics` may only read `/metrics`. */
export type AdminRole = (typeof ADMIN_ROLES)[number];

/** One that the configuration names. */
export interface AdminKey {
  /** Who acts, in the audit trail. */
  readonly name: string;
  readonly secret: string;
  readonly role: AdminRole;
}

export interface AdminCaller {
  readonly name: string;
  readonly role: AdminRole;
}

export type AdminLogin = AdminCaller | 'no_admin_key' | 'unknown_admin_key';

/** Who may use the admin plane over TCP. */
export interface AdminKeys {
  /** `authorization` is the header as it came. */
  login(authorization: string | null): AdminLogin;
}

/** Only digests are held, so a copy of the memory shows no key. */
export function createAdminKeys(keys: readonly AdminKey[]): AdminKeys {
  const known = keys.map(({ name, role, secret }) => ({ name, role, digest: digestOf(secret) }));
  return {
    login(authorization) {
      const [, secret] = /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(authorization ?? '') ?? [];
      if (secret === undefined) return 'no_admin_key';
      const digest = digestOf(secret);
      let found: AdminCaller | undefined;
      // All of them, also after one was found: the time says nothing of which.
      for (const { name, role, digest: expected } of known) {
        if (timingSafeEqual(digest, expected)) found ??= { name, role };
      }
      return found ?? 'unknown_admin_key';
    },
  };
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
