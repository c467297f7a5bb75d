import { MASK, maskSecrets, secrecyOf } from '../audit/event-json.ts';
import type { Config } from './config.ts';

/** One setting that a new configuration changes. Secrets are masked, but that they changed shows. */
export interface ConfigChange {
  /** As in the file: `backends.gpu0.url`. */
  readonly path: string;
  /** null for what was not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Where the variables of a process stand. */
const ENGINE_ENV = /\.process\.env$/;

/** Past it an event would carry the file; the rest is counted. */
const CHANGES_MAX = 200;

/** Every setting that differs, in the order of their paths. */
export function configChanges(before: Config, after: Config): ConfigChange[] {
  const [old, now] = [flatten(before), flatten(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  const changed = paths.filter((path) => old.get(path)?.raw !== now.get(path)?.raw);
  const changes = changed.slice(0, CHANGES_MAX).map((path) => ({
    path,
    before: old.get(path)?.shown ?? null,
    after: now.get(path)?.shown ?? null,
  }));
  const left = changed.length - changes.length;
  return left === 0
    ? changes
    : [...changes, { path: `and ${left} more`, before: null, after: null }];
}

/** All settings by path, secrets masked: what the first event of a running gateway says. */
export function configSettings(config: Config): Record<string, unknown> {
  const settings = [...flatten(config)].map(([path, { shown }]) => [path, shown] as const);
  return Object.fromEntries(settings);
}

interface Setting {
  /** Compared, never shown. */
  readonly raw: string;
  readonly shown: unknown;
}

function flatten(config: Config): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  addSettings(settings, '', config);
  return settings;
}

function addSettings(settings: Map<string, Setting>, path: string, value: unknown): void {
  if (Array.isArray(value) && value.length > 0 && value.every(hasName)) {
    for (const [at, { id: _, ...item }] of value.entries()) {
      addSettings(settings, join(path, nameOf(path, value[at], at)), item);
    }
  } else if (value instanceof Map) {
    for (const [name, inner] of value) addSettings(settings, join(path, String(name)), inner);
  } else if (isRecord(value)) {
    // Names of variables are other people's, not ours to write another way.
    const toName = ENGINE_ENV.test(path) ? String : toSnakeCase;
    for (const [field, inner] of Object.entries(value)) {
      addSettings(settings, join(path, toName(field)), inner);
    }
  } else {
    const raw = JSON.stringify(value, toPlain) ?? 'null';
    settings.set(path, { raw, shown: show(path, value) });
  }
}

function show(path: string, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value) && value.length === 0) return [];
  const name = path.split('.').at(-1) ?? '';
  if (name === 'headers') return Array.isArray(value) ? value.map(nameOfHeader) : MASK;
  // What a receiver of webhooks is addressed by is often all that it asks for.
  if (name === 'url' && /(?:^|\.)(?:webhook|exports)\./.test(path)) return toOrigin(value);
  // Programs get their own secrets there, by names that nobody can know.
  if (ENGINE_ENV.test(path.slice(0, path.lastIndexOf('.')))) return MASK;
  if (typeof value !== 'boolean' && secrecyOf(name) !== 'open') return MASK;
  if (typeof value === 'string') return maskSecrets(value);
  return Array.isArray(value) ? JSON.parse(JSON.stringify(value, toPlain)) : value;
}

/** `authorization: [secret]`: the values are credentials more often than not. */
function nameOfHeader(header: unknown): string {
  return `${Array.isArray(header) ? String(header[0]) : 'header'}: ${MASK}`;
}

function toOrigin(value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url === null ? MASK : `${url.origin}/${MASK}`;
}

/** Backends, models, exports: lists whose items are told apart by what they are called. */
function hasName(item: unknown): boolean {
  return isRecord(item) && (typeof item['id'] === 'string' || typeof item['name'] === 'string');
}

/** Exports are called by their addresses, which may be all that a receiver asks for. */
function nameOf(path: string, item: Record<string, unknown>, at: number): string {
  return path === 'audit.exports' ? String(at + 1) : String(item['id'] ?? item['name']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function toPlain(_: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

function toSnakeCase(field: string): string {
  if (field === 'apiKeys') return 'api_key';
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
