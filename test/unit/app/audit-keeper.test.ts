import { describe, expect, onTestFinished, test } from 'vitest';
import { type AuditKeeper, startAuditKeeper } from '../../../src/app/audit-keeper.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { createCheckpointer } from '../../../src/store/checkpointer.ts';
import { type AuditLab, openAuditLab } from '../../support/audit-lab.ts';
import { silentLog } from '../../support/silent-log.ts';

interface KeeperLab extends AuditLab {
  readonly keeper: AuditKeeper;
  readonly logged: string[];
}

function openKeeperLab(): KeeperLab {
  const lab = openAuditLab();
  onTestFinished(() => lab.close());
  const { audit, clock, key } = lab;
  const logged: string[] = [];
  const log = silentLog((event) => void logged.push(event));
  const checkpointer = createCheckpointer({ audit, clock, key });
  const keeper = startAuditKeeper({
    ...{ audit, checkpointer, clock, log },
    checkpointIntervalMs: 3_600_000,
  });
  onTestFinished(() => keeper.close());
  return { ...lab, keeper, logged };
}

interface EventRow {
  readonly actor: string;
  readonly origin: string;
  readonly action: string;
  readonly after: unknown;
}

function eventsOf({ db }: AuditLab): EventRow[] {
  const rows = db
    .prepare<[], { actor: string; origin: string; action: string; after: string | null }>(
      'SELECT actor, origin, action, "after" FROM admin_events ORDER BY seq',
    )
    .all();
  return rows.map((row) => ({ ...row, after: row.after === null ? null : JSON.parse(row.after) }));
}

function configWith(limit: string) {
  const text = `backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:8000" }\nlimits:\n  - { per: key, requests: ${limit} }\n`;
  return parseConfig(text, { name: 'llmgate.yaml', env: {}, folder: '/etc/llmgate' }).config;
}

const FILE = { generation: 1, path: '/etc/llmgate.yaml', sha256: 'ab'.repeat(32) };

describe('a gateway', () => {
  test('tells of its life, and signs a checkpoint when it ends', async () => {
    const lab = openKeeperLab();
    const { keeper } = lab;
    keeper.started({ version: '0.1.0', generation: 1, recovered: 0 });
    keeper.loaded({ ...FILE, actor: 'gateway', origin: 'gateway' }, configWith('600/m'));
    const by = { actor: 'alice@box', origin: 'admin socket' };
    keeper.reloading({ ...FILE, generation: 2, ...by }, configWith('600/m'), configWith('60/m'));
    keeper.reloadRefused(
      { ...FILE, sha256: null, ...by },
      '3:1: models: api_key: sk-proj-Ab3dEf6hIj9k',
    );
    keeper.close();
    expect(eventsOf(lab)).toMatchObject([
      { action: 'gateway.start', actor: 'gateway', after: { version: '0.1.0' } },
      { action: 'config.load', after: { file: FILE.path, sha256: FILE.sha256, settings: {} } },
      {
        action: 'config.reload',
        ...by,
        after: { ok: true, generation: 2, changes: [{ path: 'limits' }] },
      },
      { action: 'config.reload', ...by, after: { ok: false } },
      { action: 'gateway.stop' },
    ]);
    expect(JSON.stringify(eventsOf(lab))).not.toContain('sk-proj');
    expect(lab.audit.lastCheckpoint()?.heads).toEqual(lab.audit.heads());
    expect(keeper.counters()).toEqual({ checkpoints: 1, failures: 0 });
    expect(await lab.verify()).toMatchObject({ ok: true, storedCheckpoints: 1 });
  });

  test('writes failed logins as sums, the last of them when it ends', () => {
    const lab = openKeeperLab();
    lab.keeper.failedLogins.note('invalid_api_key', '10.0.0.1', null);
    lab.keeper.failedLogins.note('key_expired', '10.0.0.1', 'K1');
    lab.keeper.close();
    expect(eventsOf(lab)[0]).toMatchObject({
      action: 'login.fail',
      actor: 'unknown',
      after: { count: 2, by_reason: { invalid_api_key: 1, key_expired: 1 }, key_ids: ['K1'] },
    });
  });

  test('does not take a configuration that cannot be put on record', () => {
    const lab = openKeeperLab();
    lab.db.pragma('query_only = ON');
    const by = { actor: 'unknown', origin: 'signal' };
    const reload = () =>
      lab.keeper.reloading({ ...FILE, ...by }, configWith('600/m'), configWith('60/m'));
    expect(reload).toThrow(expect.objectContaining({ code: 'store_unavailable' }));
    lab.db.pragma('query_only = OFF');
  });

  test('starts and ends with a trail that cannot be written, and says so once', () => {
    const lab = openKeeperLab();
    lab.db.pragma('query_only = ON');
    lab.keeper.started({});
    lab.keeper.failedLogins.note('invalid_api_key', null, null);
    lab.keeper.failedLogins.flush();
    expect(lab.logged).toEqual(['audit_failing']);
    expect(lab.keeper.counters().failures).toBe(2);
    lab.db.pragma('query_only = OFF');
    lab.keeper.failedLogins.flush();
    expect(lab.logged).toEqual(['audit_failing', 'audit_recovered']);
    expect(eventsOf(lab)).toMatchObject([{ action: 'login.fail', after: { count: 1 } }]);
  });
});
