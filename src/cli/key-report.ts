import type { IssuedKey, KeyView } from '../admin/key-schemas.ts';
import type { Ink } from './color.ts';
import type { Report } from './output.ts';
import { NOTHING, renderFields, type Table } from './table.ts';

/** Many keys, oldest first: the order in which people remember making them. */
export function toKeyListReport(keys: readonly KeyView[]): Report {
  const sorted = keys.toSorted(
    (a, b) => a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id),
  );
  return {
    document: { keys: sorted },
    rows: sorted,
    columns: ['id', 'name', 'prefix', 'status', 'created_at', 'expires_at'],
    human: toTable(sorted),
    emptyHint: 'There are no keys. Make one with: llmgate keys create --name alice',
    ink: inkOfStatus,
  };
}

export function toKeyReport(key: KeyView): Report {
  return { document: key, rows: [key], human: renderFields(toFields(key)) };
}

/** With the text of the key in front. Only create and rotate have it. */
export function toIssuedKeyReport(key: IssuedKey): Report {
  const fields = toFields(key).filter(([name]) => name !== 'key');
  return {
    document: key,
    rows: [key],
    human: renderFields([['key', key.key], ...fields]),
  };
}

function toTable(keys: readonly KeyView[]): Table {
  return {
    columns: [
      { title: 'NAME' },
      { title: 'ID', whole: true },
      { title: 'STATUS', whole: true },
      { title: 'USER', optional: true },
      { title: 'TEAM', optional: true },
      { title: 'TENANT', optional: true },
      { title: 'EXPIRES', whole: true },
      { title: 'MODELS' },
    ],
    rows: keys.map((key) => [
      key.name,
      key.id,
      key.status,
      key.user ?? NOTHING,
      key.team ?? NOTHING,
      key.tenant ?? NOTHING,
      key.expires_at?.slice(0, 10) ?? 'never',
      key.models?.join(',') ?? 'all',
    ]),
  };
}

function toFields(key: KeyView): [name: string, value: string][] {
  const owners = (['user', 'team', 'tenant'] as const).flatMap((name): [string, string][] => {
    const value = key[name];
    return value === null ? [] : [[name, value]];
  });
  const tags = Object.entries(key.tags).map(([name, value]) => `${name}=${value}`);
  return [
    ['name', key.name],
    ['id', key.id],
    ['key', `${key.prefix}…`],
    ['status', key.status],
    ...owners,
    ['created', key.created_at],
    ['expires', key.expires_at ?? 'never'],
    ['models', key.models?.join(', ') ?? 'all'],
    ['endpoints', key.endpoints?.join(', ') ?? 'all'],
    ['limits', toLimits(key.limits)],
    ['budget', toBudgets(key)],
    ...(tags.length === 0 ? [] : [['tags', tags.join(', ')] satisfies [string, string]]),
    ['content', key.content ?? 'as configured'],
    ['secrets', toSecrets(key.secrets)],
  ];
}

function toBudgets({ budget, token_budget: tokens }: KeyView): string {
  const budgets = [
    ...(budget === null ? [] : [`$${budget.limit_usd} ${toPeriod(budget.window)}`]),
    ...(tokens === null ? [] : [`${tokens.limit_tokens} tokens ${toPeriod(tokens.window)}`]),
  ];
  return budgets.length === 0 ? 'none' : budgets.join(', ');
}

function toPeriod(window: string): string {
  return window === 'total' ? 'in total' : `per ${window}`;
}

function toLimits(limits: KeyView['limits']): string {
  const parts = [
    [limits.requests_per_minute, 'requests/min'],
    [limits.tokens_per_minute, 'tokens/min'],
    [limits.concurrency, 'at once'],
    [limits.max_output_tokens, 'output tokens an answer'],
  ] as const;
  const set = parts.flatMap(([count, unit]) => (count === null ? [] : [`${count} ${unit}`]));
  return set.length === 0 ? 'none of its own' : set.join(', ');
}

function toSecrets(secrets: KeyView['secrets']): string {
  if (secrets.length === 0) return 'none';
  return secrets
    .map(({ created_at, expires_at }) =>
      expires_at === null ? `since ${created_at}` : `since ${created_at} until ${expires_at}`,
    )
    .join('; ');
}

function inkOfStatus(cell: string): Ink | null {
  switch (cell) {
    case 'active':
      return 'green';
    case 'suspended':
    case 'expired':
      return 'yellow';
    case 'revoked':
      return 'red';
    default:
      return null;
  }
}
