import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { llmgateBinary } from '../support/llmgate-binary.ts';
import { type FinishedRun, runLlmgate } from '../support/llmgate-process.ts';
import { tempDir } from '../support/temp-store.ts';

// What lies in the data directory is not what was put there. The compiled llmgate says so in one
// plain line with the way out, and leaves everything as it found it.

const folder = mkdtempSync(join(tmpdir(), 'llmgate-refusals-'));
const used = join(folder, 'used');
const other = join(folder, 'other');
const CONFIG = `listen: 127.0.0.1:0
data_dir: ./data
backends:
  gpu0: { type: vllm, url: "http://127.0.0.1:9" }
`;

beforeAll(async () => {
  for (const dataDir of [used, other]) {
    const create = ['keys', 'create', '--quiet', '--data-dir', dataDir, '--name'];
    // Enough for some pages.
    for (const name of ['a', 'b', 'c']) await runLlmgate([...create, name], { cwd: folder });
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Refusal {
  readonly name: string;
  readonly act: (dataDir: string, database: string) => void;
  readonly says: RegExp;
}

const BACK = 'put the database back from a backup, or use another data_dir';

function edit(database: string, sql: string): void {
  const db = new Database(database);
  db.exec(sql);
  db.close();
}

function overwrite(path: string, from: number, to: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, from, to);
  writeFileSync(path, bytes);
}

function replaceByPipe(path: string): void {
  rmSync(path);
  Bun.spawnSync(['mkfifo', path]);
}

const refusals: Refusal[] = [
  {
    name: 'an emptied database',
    act: (_, database) => truncateSync(database, 0),
    says: new RegExp(`is empty, but this directory has been in use; ${BACK}`),
  },
  {
    name: 'a missing database',
    act: (_, database) => rmSync(database),
    says: new RegExp(`is missing, but this directory has been in use; ${BACK}`),
  },
  {
    name: 'a header that is none',
    act: (_, database) => overwrite(database, 0, 100),
    says: new RegExp(`is not an SQLite database; ${BACK}`),
  },
  {
    name: 'a damaged page in the middle',
    act: (_, database) => overwrite(database, statSync(database).size / 2, statSync(database).size),
    says: new RegExp(`is damaged.*; ${BACK}`),
  },
  {
    name: 'a database of another program',
    act(_, database) {
      rmSync(database);
      edit(database, 'CREATE TABLE songs (title TEXT)');
    },
    says: new RegExp(`is not a database of llmgate; ${BACK}`),
  },
  {
    name: 'a database of a newer llmgate',
    act: (_, database) => edit(database, 'PRAGMA user_version = 99'),
    says: /was written by a newer llmgate \(schema 99, this one knows \d+\); use that version\./,
  },
  {
    name: 'the database of another installation',
    act: (_, database) => copyFileSync(join(other, 'llmgate.db'), database),
    says: new RegExp(`belongs to another installation than \\S+install-id; ${BACK}`),
  },
  {
    name: 'a link in place of the database',
    act(dataDir, database) {
      renameSync(database, join(dataDir, 'elsewhere.db'));
      symlinkSync('elsewhere.db', database);
    },
    says: new RegExp(`is a symbolic link, not a file; ${BACK}`),
  },
  {
    name: 'a folder in place of the database',
    act(_, database) {
      rmSync(database);
      mkdirSync(database);
    },
    says: new RegExp(`is a folder, not a file; ${BACK}`),
  },
  {
    name: 'a pipe in place of the database',
    act: (_, database) => replaceByPipe(database),
    says: new RegExp(`is a pipe, socket or device, not a file; ${BACK}`),
  },
  {
    name: 'a pipe in place of the lock',
    act: (dataDir) => replaceByPipe(join(dataDir, 'lock')),
    says: /lock is a pipe, socket or device, not a file/,
  },
  {
    name: 'a pipe in place of the install id',
    act: (dataDir) => replaceByPipe(join(dataDir, 'install-id')),
    says: /install-id is a pipe, socket or device, not a file/,
  },
  {
    name: 'a lock that is none',
    act: (dataDir) => writeFileSync(join(dataDir, 'lock'), 'locked'.repeat(1_000)),
    says: /lock is damaged; remove it if no llmgate runs on this directory\./,
  },
];

/** Names, kinds and bytes; what is a pipe cannot be read. */
function snapshot(dir: string): Record<string, string> {
  const found = readdirSync(dir, { withFileTypes: true });
  const entries = found
    .filter((entry) => entry.name !== 'lock' || !entry.isFile())
    .map((entry) => {
      const path = join(dir, entry.name);
      return [entry.name, entry.isFile() ? readFileSync(path).toString('latin1') : 'no file'];
    });
  return Object.fromEntries(entries.toSorted());
}

function usedCopy(): { cwd: string; dataDir: string } {
  const cwd = tempDir();
  const dataDir = join(cwd, 'data');
  cpSync(used, dataDir, { recursive: true });
  writeFileSync(join(cwd, 'llmgate.yaml'), CONFIG);
  return { cwd, dataDir };
}

function expectOneLine({ code, stdout, stderr }: FinishedRun, says: RegExp): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(/^llmgate: [^\n]+\n$/);
}

describe.each(['serve', 'keys list'])('llmgate %s', (command) => {
  test.each(refusals)('$name', async ({ act, says }) => {
    const { cwd, dataDir } = usedCopy();
    act(dataDir, join(dataDir, 'llmgate.db'));
    const before = snapshot(dataDir);
    expectOneLine(await runLlmgate(command.split(' '), { cwd }), says);
    expect(snapshot(dataDir)).toEqual(before);
  });
});

test('a directory that this user may not write', async () => {
  const { cwd, dataDir } = usedCopy();
  chmodSync(cwd, 0o755);
  for (const name of readdirSync(dataDir)) chmodSync(join(dataDir, name), 0o444);
  chmodSync(dataDir, 0o555);
  const before = snapshot(dataDir);
  // Root may write anything, so it is somebody else who starts it.
  const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--clear-groups'] : [];
  const child = Bun.spawn([...asNobody, llmgateBinary(), 'serve'], {
    ...{ cwd, stdout: 'pipe', stderr: 'pipe', env: { PATH: '/usr/bin:/bin' } },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expectOneLine(
    { code: await child.exited, stdout, stderr },
    /cannot be used \((?:EACCES|SQLITE_[A-Z]+)\); give this user write permission on the directory/,
  );
  expect(snapshot(dataDir)).toEqual(before);
});

test('a folder in which no data directory can be made', async () => {
  const { cwd } = usedCopy();
  writeFileSync(join(cwd, 'file'), '');
  const run = await runLlmgate(['keys', 'create', '--name', 'a', '--data-dir', 'file/data'], {
    cwd,
  });
  expectOneLine(run, /cannot be used \(E(?:NOTDIR|EXIST)\); check the disk and the path/);
  expect(existsSync(join(cwd, 'file/data'))).toBe(false);
});
