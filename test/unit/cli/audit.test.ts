import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { addAuditCommand } from '../../../src/cli/audit.ts';
import { addKeysCommand } from '../../../src/cli/keys.ts';
import { nameActor } from '../../../src/cli/name-actor.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { openAuditLab } from '../../support/audit-lab.ts';
import { type CliRun, runCli } from '../../support/run-cli.ts';

let dataDir: string;
/** Where the clock of the lab put request 1. */
let firstAt: string;

beforeEach(() => {
  const lab = openAuditLab();
  firstAt = new Date(lab.clock.nowMs() + 1_000).toISOString();
  lab.addRequests(12);
  lab.addEvents(4);
  lab.close();
  ({ dataDir } = lab);
});

function audit(...args: string[]): Promise<CliRun> {
  const dir = args.includes('--db') ? [] : ['--data-dir', dataDir];
  return runCli(addAuditCommand, ['audit', ...args, ...dir], { cwd: dataDir });
}

describe('audit list', () => {
  test('shows what was done, newest first, and how to go on', async () => {
    const run = await audit('list', '--limit', '2');
    expect(run.exitCode).toBe(0);
    expect(run.out.replace(/20\S+Z/g, 'TIME')).toBe(
      `SEQ  TIME  ACTOR          FROM          ACTION      TARGET        CHANGE
  4  TIME  alice@gpu-box  admin socket  key.update  K00000000001  requests_per_minute: 63, note: a "quoted"\\x0aline
  3  TIME  alice@gpu-box  admin socket  key.update  K00000000001  requests_per_minute: 60 → 62, note: a "quoted"\\x0aline
`.replace('TIME  ACTOR', 'TIME                  ACTOR'),
    );
    expect(run.err).toBe('There are more: --after 3 goes on.\n');
    const next = await audit('list', '--after', '3', '--json');
    expect(JSON.parse(next.out)).toMatchObject({ rows: [{ seq: 2 }, { seq: 1 }], next: null });
  });

  test('shows requests of one key', async () => {
    const run = await audit('list', '--chain', 'requests', '--key', 'K00000000001', '--json');
    const seqs = JSON.parse(run.out).rows.map((row: { seq: number }) => row.seq);
    expect(seqs).toEqual([10, 7, 4, 1]);
  });

  test('shows a stretch of time', async () => {
    const run = await audit(
      ...['list', '--chain', 'requests', '--oldest', '--json'],
      ...['--since', firstAt, '--until', new Date(Date.parse(firstAt) + 2_000).toISOString()],
    );
    expect(JSON.parse(run.out).rows).toMatchObject([{ seq: 1, time: firstAt }, { seq: 2 }]);
  });

  test.each([
    [['list', '--limit', '0'], 2],
    [['list', '--chain', 'both'], 2],
    [['list', '--chain', 'requests', '--action', 'key.*'], 2],
    [['list', '--since', 'soon'], 2],
    [['show', 'seventeen'], 2],
    [['show', '99'], 3],
    [['verify', '--checkpoint', 'nowhere'], 3],
    [['verify', '--db', 'nowhere'], 3],
    [['verify', '--public-key', 'a+b'], 2],
  ])('%j ends with %d and a sentence', async (args, exitCode) => {
    const run = await audit(...args);
    expect(run).toMatchObject({ out: '', exitCode });
    expect(run.err).not.toMatch(/ at .*\.ts:/);
  });
});

describe('audit show', () => {
  test('says whether the hash is that of the row', async () => {
    const run = await audit('show', '7', '--chain', 'requests');
    expect(run.exitCode).toBe(0);
    expect(run.out).toMatch(/^chain\s+requests\nseq\s+7\nid\s+[\da-f-]{36}\n/);
    expect(run.out).toMatch(/attempt list\s+\[\{"attempt":1,"backend":"flaky",.*\}\]\n/);
    expect(run.out).toMatch(/hash of content +fits\n$/);
    tamper('UPDATE requests SET cost_nano_usd = 1 WHERE seq = 7');
    const changed = await audit('show', '7', '--chain', 'requests');
    expect(changed.exitCode).toBe(1);
    expect(changed.out).toMatch(/hash of content +DOES NOT FIT\n$/);
  });
});

describe('audit verify', () => {
  test('says what was read, and what it could not know', async () => {
    const run = await audit('verify');
    expect(run.exitCode).toBe(0);
    const lines = run.out.replace(/\d\.\d s/, '0.0 s').split('\n');
    expect(lines.slice(0, 5)).toEqual([
      'result       every row is as it was written',
      expect.stringMatching(/^requests {5}12 read; the last is 12 with [\da-f]{64}$/),
      expect.stringMatching(/^events {7}4 read; the last is 4 with [\da-f]{64}$/),
      'checkpoints  0 given and 0 stored agree',
      'time         0.0 s',
    ]);
    expect(lines[5]).toMatch(/^not known {4}There is no checkpoint/);
  });

  test('ends with 1 and names the row', async () => {
    tamper('DELETE FROM requests WHERE seq = 5');
    const run = await audit('verify');
    expect(run.exitCode).toBe(1);
    expect(run.out).toContain('result       1 thing is wrong\n');
    expect(run.out).toContain('wrong        requests: row 5 is missing\n');
    const json = JSON.parse((await audit('verify', '--json')).out);
    expect(json).toMatchObject({ ok: false, faults: [{ place: 'requests', seq: 5, to_seq: 5 }] });
  });

  test('holds a copy against notes and a key that were kept elsewhere, without its gateway', async () => {
    const notes = [await audit('checkpoint'), await audit('checkpoint')];
    writeFileSync(join(dataDir, 'kept.notes'), notes.map(({ out }) => out).join(''));
    await audit('checkpoint', '--public-key').then(({ out }) =>
      writeFileSync(join(dataDir, 'kept.pub'), out),
    );
    const copy = join(dataDir, 'elsewhere.db');
    copyFileSync(join(dataDir, 'llmgate.db'), copy);
    const kept = ['--checkpoint', 'kept.notes', '--public-key', 'kept.pub'];
    const run = await audit('verify', '--db', copy, ...kept);
    expect(run).toMatchObject({ exitCode: 0, err: '' });
    expect(run.out).toContain('2 given and 2 stored agree');
    expect(run.out).not.toContain('not known    Signatures');

    const db = openSqlite(copy, { busyTimeoutMs: 0, mustExist: true });
    db.exec('DELETE FROM requests WHERE seq > 9; DELETE FROM checkpoints');
    db.close();
    expect((await audit('verify', '--db', copy)).exitCode).toBe(0);
    const cut = await audit('verify', '--db', copy, ...kept);
    expect(cut.exitCode).toBe(1);
    expect(cut.out).toContain('rows after 9 were cut off');
  });

  test('a copy that is something else is a sentence', async () => {
    writeFileSync(join(dataDir, 'other.db'), 'not a database at all');
    const run = await audit('verify', '--db', join(dataDir, 'other.db'));
    expect(run).toMatchObject({ out: '', exitCode: 1 });
    expect(run.err).toContain('is not a database of llmgate.');
  });
});

describe('audit checkpoint', () => {
  test('writes a note once, and never over another', async () => {
    const run = await audit('checkpoint', '--out', 'today.note');
    expect(run).toMatchObject({
      out: '',
      exitCode: 0,
      err: 'today.note: 12 requests and 5 events\n',
    });
    const note = readFileSync(join(dataDir, 'today.note'), 'utf8');
    expect(note).toMatch(/^llmgate\/.*\ntime .*\nrequests 12 .*\nadmin_events 5 .*\nkey .*\n\n— /);
    const again = await audit('checkpoint', '--out', 'today.note');
    expect(again).toMatchObject({ exitCode: 1 });
    expect(again.err).toContain('is there already');
    expect(readFileSync(join(dataDir, 'today.note'), 'utf8')).toBe(note);
  });
});

test('a checkpoint is not signed by a second key when the first one is kept elsewhere', async () => {
  const { note } = JSON.parse((await audit('checkpoint', '--json')).out);
  rmSync(join(dataDir, 'audit-signing-key.pem'));
  const run = await audit('checkpoint');
  expect(run).toMatchObject({ exitCode: 1, out: '' });
  expect(run.err).toContain('name the configuration that has it with -c');
  expect(readdirSync(dataDir)).not.toContain('audit-signing-key.pem');
  writeFileSync(join(dataDir, 'kept.note'), note);
  expect((await audit('verify', '--checkpoint', 'kept.note')).exitCode).toBe(0);
});

describe('audit export', () => {
  test('prints every row of both chains as a line', async () => {
    const run = await audit('export');
    const rows = run.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.filter(({ chain }) => chain === 'requests').map(({ seq }) => seq)).toEqual(
      Array.from({ length: 12 }, (_, at) => at + 1),
    );
    // That somebody exported them is among the events already.
    expect(rows.filter(({ chain }) => chain === 'admin_events')).toHaveLength(5);
    await audit('export', '--chain', 'requests', '--out', 'rows.jsonl');
    const written = readFileSync(join(dataDir, 'rows.jsonl'), 'utf8');
    expect(written.trimEnd().split('\n')).toHaveLength(12);
    expect((await audit('export', '--out', 'rows.jsonl')).exitCode).toBe(1);
  });
});

test('an export that cannot be put on record says so', async () => {
  expect((await audit('export')).err).toBe('');
  tamper(`CREATE TRIGGER full BEFORE INSERT ON admin_events
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  const run = await audit('export', '--chain', 'requests');
  expect(run.out.trimEnd().split('\n')).toHaveLength(12);
  expect(run.err).toBe('That somebody has exported this could not be written into the trail.\n');
});

describe('who did it', () => {
  test('is the user and the machine that a command ran on', async () => {
    const command = ['keys', 'create', '--name', 'bob', '--data-dir', dataDir];
    await runCli(addKeysCommand, command, { env: { SUDO_USER: 'carol' } });
    const { rows } = JSON.parse((await audit('list', '--limit', '1', '--json')).out);
    expect(rows).toMatchObject([{ action: 'key.create', origin: 'offline' }]);
    expect(rows[0].actor).toMatch(/^[^@ ]+@\S+ \(sudo by carol\)$/);
  });

  test('is found in the list of users, then in the environment, then by number', () => {
    const uid = process.getuid?.();
    const passwd = `daemon:x:999999:1::/:\nllmgate:x:${uid}:1::/:\n`;
    expect(nameActor({ env: { USER: 'eve' } }, passwd)).toMatch(/^llmgate@/);
    expect(nameActor({ env: { USER: 'eve' } }, '')).toMatch(/^eve@/);
    expect(nameActor({ env: {} }, '')).toMatch(new RegExp(`^uid ${uid}@`));
  });
});

function tamper(sql: string): void {
  const db = openSqlite(join(dataDir, 'llmgate.db'), { busyTimeoutMs: 0, mustExist: true });
  db.exec(sql);
  db.close();
}
