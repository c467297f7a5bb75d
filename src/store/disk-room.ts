import { statfsSync } from 'node:fs';

/** What this user may still write where the path lies. */
export function freeBytesOn(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

export function toMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`;
}
