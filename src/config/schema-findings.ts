import type * as z from 'zod';
import { findNearest } from './did-you-mean.ts';
import type { Finding, ValuePath } from './finding.ts';
import { issueMessage } from './issue-message.ts';
import { ConfigFile } from './schema.ts';
import { knownKeysAt } from './schema-keys.ts';

type Issue = z.core.$ZodIssue;

/** The file when its shape is right, and everything that is wrong with its shape otherwise. */
export function checkShape(value: unknown): { file: ConfigFile | null; findings: Finding[] } {
  if (value === null || value === undefined) {
    return { file: null, findings: [{ path: [], message: 'the file is empty; write backends' }] };
  }
  const result = ConfigFile.safeParse(value, { error: issueMessage, jitless: true });
  if (result.success) return { file: result.data, findings: [] };
  return { file: null, findings: result.error.issues.flatMap((issue) => toFindings(issue, value)) };
}

function toFindings(issue: Issue, root: unknown, prefix: ValuePath = []): Finding[] {
  const path = [
    ...prefix,
    ...issue.path.map((step) => (typeof step === 'number' ? step : String(step))),
  ];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path, key], root));
  }
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const value = valueAt(root, path);
    if (value !== undefined) {
      const known = 'options' in issue ? (issue.options ?? []) : [];
      return [{ path, message: issue.message, ...nearestHint(value, known) }];
    }
  } else if (issue.code === 'invalid_union') {
    const branch = likeliestBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => toFindings(inner, root, path));
  }
  if (issue.code === 'invalid_value') {
    const value = valueAt(root, path);
    if (value !== undefined) {
      return [{ path, message: issue.message, ...nearestHint(value, issue.values) }];
    }
  }
  const isMissing = valueAt(root, path) === undefined;
  return [{ path, message: issue.message, ...(isMissing && { isMissing }) }];
}

/** Of the shapes a value may have, the one that fits it on the outside; undefined when none does. */
function likeliestBranch(branches: readonly Issue[][]): Issue[] | undefined {
  return branches.find((issues) =>
    issues.every(({ code, path }) => code !== 'invalid_type' || path.length > 0),
  );
}

function unknownKey(path: ValuePath, root: unknown): Finding {
  const key = String(path.at(-1));
  const known = knownKeysAt(path.slice(0, -1), root);
  const message = `unknown key ${JSON.stringify(key)}`;
  const nearest = known.find((name) => name === SYNONYMS.get(key)) ?? findNearest(key, known);
  if (nearest !== undefined) {
    return { path, at: 'key', message, hint: didYouMean(nearest), meant: nearest };
  }
  if (known.length > 32) return { path, at: 'key', message };
  return { path, at: 'key', message, hint: `known here: ${known.join(', ')}` };
}

/** What other programs call these things; too far away for a typing error. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['api_base', 'url'],
  ['base_url', 'url'],
  ['endpoint', 'url'],
  ['provider', 'type'],
  ['kind', 'type'],
  ['name', 'model'],
  ['backends', 'targets'],
  ['backend', 'targets'],
  ['bind', 'listen'],
  ['port', 'listen'],
  ['rpm', 'requests'],
  ['tpm', 'tokens'],
  ['concurrency', 'concurrent'],
  ['completion', 'output'],
  ['above_input_tokens', 'above'],
  ['prompt', 'input'],
  ['amount', 'usd'],
  ['period', 'window'],
  ['tz', 'timezone'],
  ['thresholds', 'alert_at'],
  ['action', 'on_exceed'],
  ['keep', 'retention'],
  ['max_age', 'retention'],
  ['sinks', 'export'],
  ['max_retries', 'attempts'],
  ['strategy', 'balance'],
  ['load_balancing', 'balance'],
  ['fallbacks', 'fallback'],
  ['mirror', 'shadow'],
  ['canary', 'split'],
  ['variants', 'split'],
  ['conditions', 'when'],
  ['cmd', 'command'],
  ['ttl', 'idle_ttl'],
  ['circuit_breaker', 'breaker'],
  ['tracing', 'traces'],
  ['cert', 'cert_file'],
  ['key', 'key_file'],
]);

export function didYouMean(name: string): string {
  return `did you mean ${JSON.stringify(name)}?`;
}

function nearestHint(wrong: unknown, known: readonly unknown[]): { hint?: string } {
  if (typeof wrong !== 'string') return {};
  const nearest = findNearest(wrong, known.map(String));
  return nearest === undefined ? {} : { hint: didYouMean(nearest) };
}

function valueAt(root: unknown, path: ValuePath): unknown {
  let value = root;
  for (const step of path) value = (value as Record<string | number, unknown> | undefined)?.[step];
  return value;
}
