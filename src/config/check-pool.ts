import { BadValue } from './bad-value.ts';
import type { Finding } from './finding.ts';
import { at, itemsOf, textAt } from './raw.ts';
import { duplicates } from './repeated.ts';
import { parseSize } from './units.ts';
import { unknownName } from './unknown-name.ts';

const USUAL_PRIORITIES = ['high', 'normal', 'low'];

/** Rules of `queue` and `overload` that the shape of one value cannot express. */
export function checkPool(file: unknown): Finding[] {
  return [...checkPriorities(at(file, 'queue')), ...checkBytes(file)];
}

function checkPriorities(queue: unknown): Finding[] {
  const written = at(queue, 'priorities');
  const path = ['queue', 'priorities'];
  if (written !== undefined && !Array.isArray(written)) return []; // The schema reports it.
  const names = (written ?? USUAL_PRIORITIES).filter((name) => typeof name === 'string');
  if (names.length === 0) {
    return [{ path, message: 'every request needs a class', hint: 'write priorities: [normal]' }];
  }
  const findings = duplicates(written, path);
  for (const [index, name] of itemsOf(written).entries()) {
    // They travel in a header.
    if (typeof name !== 'string' || name === '' || /^[\w.-]{1,32}$/.test(name)) continue;
    const message = 'a class has letters, digits, ".", "_" and "-", at most 32 of them';
    findings.push({ path: [...path, index], message });
  }
  const usual = textAt(queue, 'default_priority') ?? 'normal';
  if (usual === '' || names.includes(usual)) return findings;
  const unknown = unknownName('class', usual, ['queue', 'default_priority'], names);
  const isWritten = at(queue, 'default_priority') !== undefined;
  return [...findings, isWritten ? unknown : { ...unknown, isMissing: true }];
}

function checkBytes(file: unknown): Finding[] {
  const bytes = sizeOf(textAt(at(file, 'overload'), 'bytes_in_flight'));
  const body = sizeOf(textAt(file, 'max_body')) ?? 32_000_000;
  if (bytes === undefined || bytes >= body) return [];
  const message = 'smaller than max_body, so the largest request would always be refused';
  return [{ path: ['overload', 'bytes_in_flight'], message }];
}

function sizeOf(text: string | undefined): number | undefined {
  try {
    return text === undefined ? undefined : parseSize(text);
  } catch (error) {
    if (error instanceof BadValue) return undefined; // The schema reports it.
    throw error;
  }
}
