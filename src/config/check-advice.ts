import { matchesPattern } from '../core/pattern.ts';
import { adviseProcesses } from './advise-processes.ts';
import { adviseRouting } from './advise-routing.ts';
import { allTargets } from './all-targets.ts';
import type { Config } from './config.ts';
import { findNearest } from './did-you-mean.ts';
import type { Finding } from './finding.ts';
import { isLoopback } from './listen-address.ts';
import { didYouMean } from './schema-findings.ts';

/** What is allowed but probably not meant. Shown as warnings; nothing is refused for it. */
export function checkAdvice(config: Config): Finding[] {
  return [
    ...adviseListen(config),
    ...adviseBackends(config),
    ...adviseTimeouts(config),
    ...adviseLimits(config),
    ...adviseModels(config),
    ...adviseRouting(config),
    ...adviseFallbacks(config),
    ...adviseProcesses(config),
    ...adviseAdmin(config),
    ...adviseBudgets(config),
    ...adviseAudit(config),
    ...adviseDeliveries(config),
  ];
}

function adviseListen({ listen }: Config): Finding[] {
  if (isLoopback(listen.hostname) || listen.tls !== null) return [];
  const message = 'other machines can reach this address, and keys and prompts travel unencrypted';
  return [{ path: ['listen'], message, hint: 'add tls, or put a TLS proxy in front' }];
}

function adviseBackends({ backends, models }: Config): Finding[] {
  const used = new Set(models.flatMap(allTargets).map(({ backend }) => backend));
  const findings: Finding[] = [];
  for (const { id, discover, url, apiKeys } of backends) {
    if (!discover && !used.has(id)) {
      const message = 'no model names this backend and discover is off, so nothing can reach it';
      findings.push({ path: ['backends', id], at: 'key', message });
    }
    const { protocol, hostname } = new URL(url);
    const local = isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
    if (apiKeys.length > 0 && protocol === 'http:' && !local) {
      const message = 'the api_key of this backend travels unencrypted over http';
      findings.push({ path: ['backends', id, 'url'], message });
    }
  }
  return findings;
}

function adviseTimeouts({ timeouts, queue, retries, models }: Config): Finding[] {
  const parts: [path: Finding['path'], ms: number][] = [
    [['timeouts', 'connect'], timeouts.connectMs],
    [['timeouts', 'first_byte'], timeouts.firstByteMs],
    [['timeouts', 'idle'], timeouts.idleMs],
    [['queue', 'max_wait'], queue.maxWaitMs],
    [['retries', 'max_wait'], retries.maxWaitMs],
    ...models.map(({ name, firstByteMs }): [Finding['path'], number] => [
      ['models', name, 'first_byte'],
      firstByteMs ?? 0,
    ]),
  ];
  return parts
    .filter(([, ms]) => ms > timeouts.totalMs)
    .map(([path]) => ({
      path,
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
  const unpriced = models.filter(
    ({ price, targets }) => price === null && targets.some((target) => target.price === null),
  );
  if (unpricedModels === 'deny') {
    const message = 'has no price, and unpriced_models is deny: every request for it is refused';
    return unpriced.map(({ name }) => ({ path: ['models', name], at: 'key' as const, message }));
  }
  if (!budgets.some(({ measure }) => measure === 'usd')) return [];
  const message = 'has no price, so no budget in USD ever stops it';
  return unpriced.map(({ name }) => ({ path: ['models', name], at: 'key' as const, message }));
}

function adviseBudgets({ budgets, alerts, models, backends }: Config): Finding[] {
  const names = models.map(({ name }) => name);
  const isAnyDiscovered = backends.some(({ discover }) => discover);
  return budgets.flatMap(({ alertAt, per, name }, index): Finding[] => {
    const findings: Finding[] = [];
    if (alertAt.length > 0 && alerts.webhook === null) {
      const message = 'nobody is told, because alerts.webhook is not set';
      findings.push({ path: ['budgets', index, 'alert_at'], message });
    }
    const isUnknown = !names.some((model) => matchesPattern(name ?? '*', model));
    if (per === 'model' && name !== null && isUnknown && !isAnyDiscovered) {
      const message = 'no model of this file has such a name';
      findings.push({ path: ['budgets', index, 'name'], message });
    }
    return findings;
  });
}

/** With discovery on, names that the file does not know may still appear. */
function adviseFallbacks({ models, backends, retries }: Config): Finding[] {
  const findings: Finding[] = [];
  const names = models.flatMap(({ name, aliases }) => [name, ...aliases]);
  const known = new Set(names);
  for (const { name, fallback } of models) {
    const wanted = new Set(Object.values(fallback).flat());
    const path = ['models', name, 'fallback'];
    if (fallback.unavailable.length > 0 && retries.attempts === 1) {
      const message =
        'of little use with retries.attempts 1: only tried while nothing was sent anywhere';
      findings.push({ path, message });
    }
    const unknown = [...wanted].find((each) => !known.has(each));
    if (unknown === undefined || !backends.some(({ discover }) => discover)) continue;
    const nearest = findNearest(unknown, names);
    const message = `no model of this file is called ${JSON.stringify(unknown)}; it counts while a backend serves it`;
    findings.push({ path, message, ...(nearest !== undefined && { hint: didYouMean(nearest) }) });
  }
  return findings;
}

function adviseAdmin({ admin }: Config): Finding[] {
  if (admin.listen !== null || admin.keys.length === 0) return [];
  const message = 'only asked for at admin.listen, which is not set';
  return [{ path: ['admin', 'keys'], at: 'key', message }];
}

const HALF_A_YEAR_MS = 184 * 86_400_000;

function adviseAudit({ audit }: Config): Finding[] {
  const findings: Finding[] = [];
  if (audit.retentionMs < HALF_A_YEAR_MS) {
    const message =
      'less than six months, which is what the EU AI Act (article 26(6)) asks of those who use high-risk systems';
    findings.push({
      path: ['audit', 'retention'],
      message,
      hint: 'write 184d or more if it concerns you',
    });
  }
  if (audit.contentRetentionMs > audit.retentionMs) {
    const message =
      'longer than audit.retention, so content outlives the rows that say whose it is';
    findings.push({ path: ['audit', 'content_retention'], message });
  }
  if (audit.onFailure === 'allow') {
    const message =
      'requests are served without a record while the books cannot be written; they are counted, but not booked';
    findings.push({ path: ['audit', 'on_failure'], message });
  }
  return findings;
}

/** What leaves this machine in clear. */
function adviseDeliveries({ audit, alerts }: Config): Finding[] {
  const findings: Finding[] = [];
  const advise = (path: Finding['path'], url: string) => {
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'http:' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))) return;
    findings.push({ path, message: 'what is sent there travels unencrypted over http' });
  };
  for (const [index, sink] of audit.exports.entries()) {
    const path = ['audit', 'export', index];
    if (sink.type === 'webhook') advise([...path, 'url'], sink.url);
    if (sink.type === 's3') advise([...path, 'endpoint'], sink.endpoint);
    if (sink.type === 'syslog' && sink.transport !== 'tls' && !isLoopback(sink.hostname)) {
      const message = 'what is sent there travels unencrypted';
      findings.push({
        path: [...path, 'address'],
        message,
        hint: 'use tls:// where it is offered',
      });
    }
  }
  if (alerts.webhook !== null) advise(['alerts', 'webhook', 'url'], alerts.webhook.url);
  return findings;
}
