import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ACTIONS } from '../../../src/audit/actions.ts';
import { FAULT_KINDS } from '../../../src/audit/audit-fault.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { openAuditLab } from '../../support/audit-lab.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/audit.md'), 'utf8');

test('docs/audit.md lists every action, and nothing else', () => {
  const documented = text.split('\n').filter((line) => /^\| `[a-z]+\.[a-z]+` /.test(line));
  const expected = Object.entries(ACTIONS).map(([action, says]) => `| \`${action}\` | ${says} |`);
  expect(documented).toEqual(expected);
});

test('docs/audit.md explains every finding', () => {
  const documented = text.split('\n').flatMap((line) => /^\| `([a-z_]+)` /.exec(line)?.[1] ?? []);
  expect(documented).toEqual([...FAULT_KINDS]);
});

/** The SQLite of this machine's Python; older ones cannot read the tables. */
function findPython(): string | undefined {
  try {
    const code = 'import sqlite3; print(sqlite3.sqlite_version_info >= (3, 37))';
    const said = execFileSync('python3', ['-c', code], { encoding: 'utf8' });
    return said.trim() === 'True' ? 'python3' : undefined;
  } catch {
    return undefined;
  }
}

const python = findPython();

describe.skipIf(python === undefined)('the script in docs/audit.md', () => {
  const script = /```python verify-copy\n([\s\S]*?)```/.exec(text)?.[1] ?? '';

  function run(dataDir: string, database: string) {
    const path = join(dataDir, 'verify-copy.py');
    writeFileSync(path, script);
    try {
      return execFileSync(python ?? '', [path, database], { encoding: 'utf8', stdio: 'pipe' });
    } catch (cause) {
      return String(Object(cause).stderr);
    }
  }

  test('is as short as it says', () => {
    expect(script.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
  });

  test('agrees with llmgate on books of every kind', () => {
    const lab = openAuditLab();
    onTestFinished(() => lab.close());
    lab.addRequests(40);
    lab.addEvents(9);
    lab.purge('requests', 1, 6);
    lab.purge('requests', 7, 8);
    lab.purge('admin_events', 1, 3);
    lab.db.pragma('wal_checkpoint(TRUNCATE)');
    const { requests, admin_events: events } = lab.audit.heads();
    expect(run(lab.dataDir, lab.path)).toBe(
      `requests ${requests.seq} ${requests.hash}\nadmin_events ${events.seq} ${events.hash}\n`,
    );
  });

  test('goes past purged rows at the end too', () => {
    const lab = openAuditLab();
    onTestFinished(() => lab.close());
    lab.addRequests(5);
    lab.purge('requests', 1, 5);
    lab.db.pragma('wal_checkpoint(TRUNCATE)');
    expect(run(lab.dataDir, lab.path)).toContain(`requests 5 ${lab.audit.heads().requests.hash}\n`);
  });

  test.each([
    ['UPDATE requests SET output_tokens = 0 WHERE seq = 9', 'requests: row 9 was changed\n'],
    ['UPDATE attempts SET status = 1 WHERE request_seq = 14', 'requests: row 14 was changed\n'],
    ['DELETE FROM requests WHERE seq = 5', 'requests: row 5 is missing\n'],
    [`UPDATE admin_events SET actor = 'eve' WHERE seq = 2`, 'admin_events: row 2 was changed\n'],
  ])('finds what llmgate finds: %s', (sql, said) => {
    const lab = openAuditLab();
    onTestFinished(() => lab.close());
    lab.addRequests(20);
    lab.addEvents(5);
    lab.db.pragma('wal_checkpoint(TRUNCATE)');
    const copy = join(lab.dataDir, 'copy.db');
    copyFileSync(lab.path, copy);
    const db = openSqlite(copy, { busyTimeoutMs: 0, mustExist: true });
    db.exec(sql);
    db.close();
    expect(run(lab.dataDir, copy).endsWith(said)).toBe(true);
  });
});
