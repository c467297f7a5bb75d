import { matchesPattern } from '../core/pattern.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { isLoopback } from './listen-address.ts';

/** What is allowed but probably not meant. Shown as warnings; nothing is refused for it. */
export function checkAdvice(config: Config): Finding[] {
  return [
    ...adviseListen(config),
    ...adviseBackends(config),
    ...adviseTimeouts(config),
    ...adviseLimits(config),
    ...adviseModels(config),
  ];
}

function adviseListen({ listen }: Config): Finding[] {
  if (isLoopback(listen.hostname) || listen.tls !== null) return [];
  const message = 'other machines can reach this address, and keys and prompts travel unencrypted';
  return [{ path: ['listen'], message, hint: 'add tls, or put a TLS proxy in front' }];
}

function adviseBackends({ backends, models }: Config): Finding[] {
  const used = new Set(models.flatMap(({ targets }) => targets.map(({ backend }) => backend)));
  const findings: Finding[] = [];
  for (const { id, discover, url, apiKey } of backends) {
    if (!discover && !used.has(id)) {
      const message = 'no model names this backend and discover is off, so nothing can reach it';
      findings.push({ path: ['backends', id], at: 'key', message });
    }
    const { protocol, hostname } = new URL(url);
    const local = isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
    if (apiKey !== null && protocol === 'http:' && !local) {
      const message = 'the api_key of this backend travels unencrypted over http';
      findings.push({ path: ['backends', id, 'url'], message });
    }
  }
  return findings;
}

function adviseTimeouts({ timeouts }: Config): Finding[] {
  const parts = [
    ['connect', timeouts.connectMs],
    ['first_byte', timeouts.firstByteMs],
    ['idle', timeouts.idleMs],
  ] as const;
  return parts
    .filter(([, ms]) => ms > timeouts.totalMs)
    .map(([name]) => ({
      path: ['timeouts', name],
      message: 'longer than timeouts.total, so it never has an effect',
    }));
}

function adviseLimits({ limits, models, backends }: Config): Finding[] {
  // With discovery on, names that the file does not know may still appear.
  if (backends.some(({ discover }) => discover)) return [];
  const names = models.map(({ name }) => name);
  return limits.flatMap(({ model }, index) => {
    if (model === null || names.some((name) => matchesPattern(model, name))) return [];
    return [{ path: ['limits', index, 'model'], message: 'no model of this file has such a name' }];
  });
}

function adviseModels({ models, unpricedModels, budgets }: Config): Finding[] {
  const unpriced = models.filter(({ price }) => price === null);
  if (unpricedModels === 'deny') {
    const message = 'has no price, and unpriced_models is deny: every request for it is refused';
    return unpriced.map(({ name }) => ({ path: ['models', name], at: 'key' as const, message }));
  }
  if (budgets.length === 0) return [];
  const message = 'has no price, so no budget ever stops it';
  return unpriced.map(({ name }) => ({ path: ['models', name], at: 'key' as const, message }));
}
