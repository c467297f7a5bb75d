import type { BackendConfig, Config, ModelConfig } from './config.ts';
import type { Finding } from './finding.ts';

/** What is allowed in the routing of models but probably not meant. */
export function adviseRouting({ models, backends, timeouts }: Config): Finding[] {
  const byId = new Map(backends.map((backend) => [backend.id, backend]));
  return models.flatMap((model) => [
    ...adviseRules(model, byId),
    ...adviseSplit(model),
    ...adviseShadow(model, byId),
    ...adviseHedge(model, byId, timeouts.firstByteMs),
  ]);
}

type Backends = ReadonlyMap<string, BackendConfig>;

/** A rule that leaves no target refuses what it was meant to steer. */
function adviseRules({ name, rules, targets }: ModelConfig, backends: Backends): Finding[] {
  return rules.flatMap((rule, index): Finding[] => {
    const isLeft = (rule.targets ?? targets).some(({ backend }) => {
      const labels = backends.get(backend)?.labels ?? [];
      return rule.labels.every((label) => labels.includes(label));
    });
    if (isLeft) return [];
    const message = 'no target has these labels, so every request that the rule is for is refused';
    return [{ path: ['models', name, 'rules', index, 'labels'], message }];
  });
}

function adviseSplit({ name, rules, variants, session }: ModelConfig): Finding[] {
  if (variants.length === 0) return [];
  const path = ['models', name, 'split'];
  const always = rules.findIndex(({ when }) =>
    Object.values(when).every((member) => isNothing(member)),
  );
  if (always !== -1) {
    return [{ path, at: 'key', message: `never used: rules[${always}] always decides` }];
  }
  if (session.length > 0) return [];
  const message = 'no session is looked for, so each key falls as a whole on one side';
  return [{ path, at: 'key', message, hint: 'add session: [x-session-id, user]' }];
}

function isNothing(member: unknown): boolean {
  if (Array.isArray(member)) return member.length === 0;
  return member instanceof Map ? member.size === 0 : member === null;
}

function adviseShadow({ name, shadow }: ModelConfig, backends: Backends): Finding[] {
  if (shadow === null) return [];
  const path = ['models', name, 'shadow', 'target'];
  const backend = backends.get(shadow.target.backend);
  if (backend?.process != null) {
    return [{ path, message: 'gets no copies: llmgate starts no model server for a shadow' }];
  }
  if (!isPaid(backend)) return [];
  return [{ path, message: 'every copy costs money there, and nobody sees its answer' }];
}

function adviseHedge(
  { name, hedge, targets, firstByteMs }: ModelConfig,
  backends: Backends,
  usualFirstByteMs: number,
): Finding[] {
  if (hedge === null) return [];
  const path = ['models', name, 'hedge'];
  if (targets.length === 1) {
    const message = 'has no effect on a model with one target: a second request needs another one';
    return [{ path, at: 'key', message }];
  }
  if ('ms' in hedge.after && hedge.after.ms >= (firstByteMs ?? usualFirstByteMs)) {
    const message = 'not before the first byte is given up, so nothing is ever sent twice';
    return [{ path: [...path, 'after'], message }];
  }
  if (!targets.some(({ backend }) => isPaid(backends.get(backend)))) return [];
  const message = 'both requests cost money where a vendor answers';
  return [{ path, at: 'key', message }];
}

/** A vendor, or what is asked with a key as vendors are. */
function isPaid(backend: BackendConfig | undefined): boolean {
  if (backend === undefined) return false;
  return (
    backend.type === 'openai' ||
    (backend.type === 'openai_compatible' && backend.apiKeys.length > 0)
  );
}
