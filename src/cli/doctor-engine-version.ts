import { toVisibleText } from '../core/visible-text.ts';

/** Where engines say which version they are, and in which member. */
const PLACES: Readonly<Record<string, readonly [path: string, member: string]>> = {
  vllm: ['/version', 'version'],
  sglang: ['/get_server_info', 'version'],
  tgi: ['/info', 'version'],
  trtllm: ['/version', 'version'],
  ollama: ['/api/version', 'version'],
  llamacpp: ['/props', 'build_info'],
};

/** The path at which an engine of this type says its version; null for types that do not. */
export function versionPathOf(type: string): string | null {
  return PLACES[type]?.[0] ?? null;
}

/** The version in an answer from that path; null when it is not there. */
export function readEngineVersion(type: string, body: Uint8Array): string | null {
  const member = PLACES[type]?.[1];
  if (member === undefined) return null;
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof document !== 'object' || document === null) return null;
    const value: unknown = Reflect.get(document, member);
    return typeof value === 'string' && value !== '' ? toVisibleText(value).slice(0, 40) : null;
  } catch {
    return null;
  }
}
