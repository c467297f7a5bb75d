import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import type { DoctorSystem } from '../../../src/cli/doctor-case.ts';
import type { Area } from '../../../src/cli/doctor-finding.ts';
import { openGpus } from '../../../src/gpu/gpu-watch.ts';
import { NVML } from '../../../src/gpu/nvml-table.ts';
import { openAdminLab } from '../../support/admin-lab.ts';
import { type Check, type DoctorLab, openDoctorLab } from '../../support/doctor-lab.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { createFakeNvml, createFakeNvmlSource } from '../../support/fake-nvml.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { startTestMock } from '../../support/start-mock.ts';
import { openTempStore } from '../../support/temp-store.ts';

const BACKEND = 'backends:\n  gpu0: { type: vllm, url: "%MOCK%" }';

/** The findings of one area that are not ok, as `level: words`. */
function troubles(checks: readonly Check[], area: Area): string[] {
  return checks
    .filter((check) => check.area === area && check.level !== 'ok')
    .map(({ level, says }) => `${level}: ${says}`);
}

async function makeStore(lab: DoctorLab): Promise<void> {
  mkdirSync(lab.dataDir, { mode: 0o700 });
  const { store } = await openTempStore({ dataDir: lab.dataDir });
  await store.close();
}

test('a healthy installation: every area is told, and nothing has failed', async () => {
  await using mock = await startTestMock();
  const lab = openDoctorLab();
  lab.writeConfig(BACKEND.replace('%MOCK%', mock.url));
  await makeStore(lab);
  const { out, err, exitCode } = await lab.run();
  expect([err, exitCode]).toEqual(['', 0]);
  const areas = new Set(out.match(/^ok {4}[a-z]+(?: [a-z]+)?/gm)?.map((line) => line.slice(6)));
  expect([...areas]).toEqual([
    ...['configuration', 'data directory', 'store', 'gateway', 'admin plane', 'backends', 'gpu'],
    ...['clock', 'descriptors', 'memory', 'versions'],
  ]);
  expect(out).toMatch(/gpu0: vllm 0\.32\.0\+mock answers in \d+ ms, 1 model\n/);
  expect(out).toMatch(/\n\d+ ok, 0 to look at, 0 failed\n$/);
});

test('the document has the same, and the mend of what is not well', async () => {
  const lab = openDoctorLab();
  const { out, exitCode } = await lab.run('--json');
  const document = JSON.parse(out);
  expect([exitCode, document.healthy, document.fail]).toEqual([1, false, 1]);
  expect(document.checks[0]).toEqual({
    area: 'configuration',
    level: 'fail',
    says: 'there is no configuration file, and no engine answers on this machine',
    mend: 'Start an engine, then: llmgate init',
  });
});

test('without a file, the engines of this machine are what is looked at', async () => {
  await using mock = await startTestMock();
  const engine = { type: 'vllm', url: mock.url, modelIds: ['m'] } as const;
  const lab = openDoctorLab({ findEngines: async () => [engine] });
  const checks = await lab.examine();
  expect(troubles(checks, 'configuration')).toEqual([
    'warn: there is no file: "serve" would use the 1 engine of this machine',
  ]);
  expect(checks.find(({ area }) => area === 'backends')?.says).toContain('answers in');
});

test('a configuration with problems: each is told, and the rest is still looked at', async () => {
  const lab = openDoctorLab();
  lab.writeConfig(
    'backends:\n  a: { type: vllmm, url: "http://127.0.0.1:1", api_key: "sk-secret-0123456789abcdef" }',
  );
  await makeStore(lab);
  const { out, exitCode } = await lab.run();
  expect(exitCode).toBe(1);
  expect(out).toMatch(/^fail {2}configuration {3}llmgate\.yaml:4: backends\.a\.type: /m);
  expect(out).toContain(`${lab.dataDir} is this user's alone`);
  expect(out).not.toContain('sk-secret');
});

describe('the data directory', () => {
  test.each([
    ['nothing there yet', () => {}, /^warn: .+ is not there yet$/],
    [
      'a file in its place',
      (path: string) => writeFileSync(path, ''),
      /^fail: .+ is not a directory$/,
    ],
    [
      'one that others may write to',
      (path: string) => {
        mkdirSync(path);
        chmodSync(path, 0o777);
      },
      /^warn: other users may write to .+ \(mode 0777\)$/,
    ],
    [
      'one that others may look into',
      (path: string) => {
        mkdirSync(path);
        chmodSync(path, 0o755);
      },
      /^warn: other users may look into .+ \(mode 0755\)$/,
    ],
    [
      'a database that others may read',
      (path: string) => {
        mkdirSync(path, { mode: 0o700 });
        writeFileSync(join(path, 'llmgate.db'), 'x');
        chmodSync(join(path, 'llmgate.db'), 0o644);
      },
      /^fail: .+llmgate\.db has mode 0644$/,
    ],
    [
      'a link in the place of the key',
      (path: string) => {
        mkdirSync(path, { mode: 0o700 });
        symlinkSync('/etc/passwd', join(path, 'audit-signing-key.pem'));
      },
      /^fail: .+audit-signing-key\.pem is a link$/,
    ],
    [
      'a database that is gone',
      (path: string) => {
        mkdirSync(path, { mode: 0o700 });
        writeFileSync(join(path, 'install-id'), 'x', { mode: 0o600 });
      },
      /^fail: the database is gone, but .+ has been in use$/,
    ],
  ])('%s', async (_, prepare, expected) => {
    const lab = openDoctorLab();
    lab.writeConfig(BACKEND.replace('%MOCK%', 'http://127.0.0.1:1'));
    prepare(lab.dataDir);
    const found = troubles(await lab.examine(), 'data directory');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });

  test('one of another user', async () => {
    const lab = openDoctorLab({ uid: 4_711 });
    lab.writeConfig(BACKEND.replace('%MOCK%', 'http://127.0.0.1:1'));
    mkdirSync(lab.dataDir);
    expect(troubles(await lab.examine(), 'data directory')).toEqual([
      `fail: ${lab.dataDir} belongs to user ${process.getuid?.()}, and this is user 4711`,
    ]);
  });
});

describe('the store', () => {
  const examineAfter = async (spoil: (path: string, lab: DoctorLab) => void) => {
    const lab = openDoctorLab();
    lab.writeConfig(BACKEND.replace('%MOCK%', 'http://127.0.0.1:1'));
    await makeStore(lab);
    spoil(join(lab.dataDir, 'llmgate.db'), lab);
    return troubles(await lab.examine(), 'store');
  };

  test('a file of another program', async () => {
    expect(await examineAfter((path) => writeFileSync(path, 'no database'))).toEqual([
      expect.stringMatching(/^fail: .+ cannot be read: file is not a database$/),
    ]);
  });

  test('a database of another program', async () => {
    const found = await examineAfter((path) => {
      const other = new Database(path);
      other.pragma('application_id = 1');
      other.close();
    });
    expect(found).toEqual([expect.stringMatching(/^fail: .+ is not a database of llmgate$/)]);
  });

  test.each([
    [99, /^fail: the books: .+, schema 99; this llmgate knows \d+$/],
    [1, /^warn: the books: .+, schema 1; this llmgate writes \d+$/],
  ])('books of schema %i', async (schema, expected) => {
    const found = await examineAfter((path) => {
      const books = new Database(path);
      books.pragma(`user_version = ${schema}`);
      books.close();
    });
    expect(found).toEqual([expect.stringMatching(expected)]);
  });

  test('damaged pages', async () => {
    const [found] = await examineAfter((path) => truncateSync(path, 8_192));
    expect(found).toMatch(/^fail: .*(?:damaged|malformed)/);
  });

  test('a log of writes that is not emptied', async () => {
    const found = await examineAfter((path) => {
      writeFileSync(`${path}-wal`, '', { mode: 0o600 });
      truncateSync(`${path}-wal`, 300 * 1024 * 1024);
    });
    expect(found).toContainEqual(expect.stringMatching(/^warn: the log of writes has 315 MB/));
  });
});

describe('backends', () => {
  const examine = async (backends: string) => {
    const lab = openDoctorLab();
    lab.writeConfig(`backends:\n${backends}`);
    return (await lab.examine()).filter(({ area }) => area === 'backends');
  };

  test('one that does not answer, beside one that does', async () => {
    await using mock = await startTestMock();
    const found = await examine(
      `  up: { type: vllm, url: "${mock.url}" }\n  down: { type: vllm, url: "http://127.0.0.1:9" }`,
    );
    expect(found.map(({ level, says }) => `${level}: ${says.split(':')[0]}`)).toEqual([
      'ok: up',
      'fail: down does not answer',
    ]);
  });

  test('a credential that is refused, without showing it', async () => {
    await using mock = await startTestMock({ apiKey: 'right-0123456789' });
    const lab = openDoctorLab();
    writeFileSync(join(lab.folder, 'key'), 'wrong-0123456789', { mode: 0o600 });
    lab.writeConfig(
      `backends:\n  gpu0: { type: openai_compatible, url: "${mock.url}", api_key: "\${file:./key}" }`,
    );
    const { out } = await lab.run();
    expect(out).toContain('refuses our credential (HTTP 401)');
    expect(out).toContain('→ Renew its api_key.');
    expect(out).not.toContain('wrong-0123456789');
  });

  test('a server whose clock is wrong, and one that is no engine', async () => {
    const late = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () =>
        new Response('{"object":"list","data":[{"id":"m"}]}', {
          headers: { date: new Date(Date.now() - 90_000).toUTCString() },
        }),
    });
    const web = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('<html>') });
    const found = await examine(
      `  late: { type: openai_compatible, url: "${late.url.origin}" }\n  web: { type: openai_compatible, url: "${web.url.origin}" }`,
    );
    await Promise.all([late.stop(true), web.stop(true)]);
    const says = found.map(({ level, says: words }) => `${level}: ${words}`);
    expect(says).toContainEqual(
      expect.stringMatching(/^warn: late: its clock is 9\d s behind this one$/),
    );
    expect(says).toContainEqual(expect.stringMatching(/^fail: web: .+not as its type would/));
  });

  test('a program that is to be started and is not there', async () => {
    const found = await examine(
      '  own: { type: llamacpp, url: "http://127.0.0.1:9", process: { command: [/nonexistent/server] } }',
    );
    expect(found).toMatchObject([
      { level: 'fail', says: 'own: the program /nonexistent/server is not here' },
    ]);
  });
});

describe('GPUs', () => {
  const NAMED =
    'backends:\n  own: { type: llamacpp, url: "http://127.0.0.1:9", process: { command: [sh], gpus: [0, 3] } }';
  const withNvml = (fake = createFakeNvml()): Partial<DoctorSystem> => ({
    openGpus() {
      const { clock, timers } = createFakeTime();
      return openGpus({ sources: [() => createFakeNvmlSource(fake)], clock, after: timers.after });
    },
  });
  const examine = async (lab: DoctorLab, yaml: string) => {
    lab.writeConfig(yaml);
    const checks = await lab.examine();
    return checks
      .filter(({ area }) => area === 'gpu')
      .map(({ level, says }) => `${level}: ${says}`);
  };

  test('what is there, and what backends name that is not', async () => {
    expect(await examine(openDoctorLab(withNvml()), NAMED)).toEqual([
      'ok: 0: NVIDIA H200, 20.0 GB of 151 GB in use',
      'ok: read over nvml, driver 570.86.15',
      'fail: backends name GPU 3, which is not seen',
    ]);
  });

  test('a driver that cannot be used is told, and no GPU at all is fine', async () => {
    const broken = createFakeNvml();
    broken.answers.set('nvmlInit_v2', NVML.libraryMismatch);
    const [found] = await examine(
      openDoctorLab(withNvml(broken)),
      BACKEND.replace('%MOCK%', 'http://127.0.0.1:9'),
    );
    expect(found).toMatch(/^warn: nvml: .+different versions$/);
    expect(await examine(openDoctorLab(), BACKEND.replace('%MOCK%', 'http://127.0.0.1:9'))).toEqual(
      ['ok: none on this machine'],
    );
  });
});

describe('the machine', () => {
  test.each([
    [
      'descriptors',
      '/proc/self/limits',
      'Max open files  1024  4096  files\n',
      /^warn: 1024 open files here/,
    ],
    [
      'descriptors',
      '/proc/self/limits',
      'Max open files  256  256  files\n',
      /^fail: 256 open files here/,
    ],
    [
      'memory',
      '/proc/meminfo',
      'MemAvailable:   900000 kB\n',
      /^warn: 922 MB free; llmgate may use/,
    ],
    ['memory', '/proc/meminfo', 'MemAvailable:   90000 kB\n', /^fail: 92\.2 MB free/],
  ] as const)('%s: %s with %j', async (area, path, text, expected) => {
    const lab = openDoctorLab();
    lab.writeConfig(BACKEND.replace('%MOCK%', 'http://127.0.0.1:9'));
    lab.files.set(path, text);
    expect(troubles(await lab.examine(), area)).toEqual([expect.stringMatching(expected)]);
  });

  test('a container that may take less than the machine has', async () => {
    const lab = openDoctorLab();
    lab.files.set('/sys/fs/cgroup/memory.max', '500000000\n');
    lab.files.set('/sys/fs/cgroup/memory.current', '300000000\n');
    expect(troubles(await lab.examine(), 'memory')).toEqual([
      expect.stringMatching(/^fail: 200 MB free/),
    ]);
  });

  test('files that are not there, as on another system', async () => {
    const lab = openDoctorLab({ readText: () => null, uid: null });
    const checks = await lab.examine();
    for (const area of ['descriptors', 'memory'] as const) {
      expect(troubles(checks, area)).toEqual([]);
    }
  });

  test('a clock that jumps, and one that cannot be right', async () => {
    const jumping = createFakeClock(Date.now());
    const jumps = openDoctorLab({
      clock: jumping,
      async wait(delayMs) {
        if (delayMs > 1_000) return new Promise(() => {});
        jumping.advance(delayMs);
        jumping.setWall(jumping.nowMs() + 4_000);
      },
    });
    expect(troubles(await jumps.examine(), 'clock')).toEqual([
      'warn: the clock jumped by 4000 ms while it was watched',
    ]);
    const old = openDoctorLab({ clock: createFakeClock(0) });
    expect(troubles(await old.examine(), 'clock')).toEqual([
      expect.stringMatching(/^fail: it is 1970-01-01T.+, which cannot be/),
    ]);
  });
});

describe('the gateway', () => {
  test('one that runs says so, and what troubles it', async () => {
    const healthy = createFakeLiveGateway().status();
    const live = createFakeLiveGateway({
      status: () => ({
        ...healthy,
        version: '0.0.9',
        ledger: { ...healthy.ledger, dropped: 3 },
        exports: [
          {
            ...{ id: 'siem', rows: 1, lag_rows: 812, failures: 9 },
            ...{ failing_since: '2026-11-18T10:00:00.000Z', last_failure: 'refused\u001b[2J' },
          },
        ],
      }),
    });
    await using admin = await openAdminLab({ way: 'remote', live });
    const lab = openDoctorLab();
    const { out, exitCode } = await lab.run('--data-dir', admin.dataDir);
    expect(exitCode).toBe(1);
    expect(out).toContain('answers on http://127.0.0.1:8080 since 2026-11-18T10:00:00.000Z');
    expect(out).toContain('fail  gateway         3 requests are not in the books');
    expect(out).toContain('the export siem is 812 rows behind: refused\\x1b[2J');
    expect(out).toContain('warn  versions        the gateway that runs is llmgate 0.0.9');
    // Its lock and its books are left alone.
    expect(admin.store.keys.page(null, 1)).toEqual([]);
  });

  test('a port that is taken', async () => {
    const other = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
    const lab = openDoctorLab();
    writeFileSync(
      join(lab.folder, 'llmgate.yaml'),
      `listen: 127.0.0.1:${other.port}\n${BACKEND.replace('%MOCK%', 'http://127.0.0.1:9')}\n`,
    );
    expect(troubles(await lab.examine(), 'gateway')).toEqual([
      `fail: nothing can listen on 127.0.0.1:${other.port} (EADDRINUSE)`,
    ]);
    await other.stop(true);
  });

  test('a process that holds the directory and does not answer', async () => {
    await using temp = await openTempStore();
    const { statSync } = await import('node:fs');
    const { ino } = statSync(join(temp.dataDir, 'lock'));
    const lab = openDoctorLab();
    lab.files.set(
      '/proc/locks',
      `1: POSIX  ADVISORY  WRITE ${process.pid} fd:00:${ino} 1073741824 1073742335\n`,
    );
    const { out } = await lab.run('--data-dir', temp.dataDir);
    expect(out).toContain(
      `process ${process.pid} holds ${temp.dataDir}, but its admin socket is silent`,
    );
  });
});

describe('the admin plane', () => {
  test.each([
    [
      'admin: { listen: "127.0.0.1:9443", keys: { alice: { key: "${file:./key}", role: admin } } }',
      'ok',
      'this machine alone: 1 key, 1 of them for everything',
    ],
    ['limits: []', 'ok', 'and nothing else'],
  ])('%s', async (yaml, level, words) => {
    const lab = openDoctorLab();
    writeFileSync(join(lab.folder, 'key'), 'Zk3-0rTq9Lw7-pXv2Yb8Nc4Mf6Hd1', { mode: 0o600 });
    lab.writeConfig(`${BACKEND.replace('%MOCK%', 'http://127.0.0.1:9')}\n${yaml}`);
    const checks = (await lab.examine()).filter(({ area }) => area === 'admin plane');
    expect(checks).toMatchObject([{ level, says: expect.stringContaining(words) }]);
    expect(JSON.stringify(checks)).not.toContain('Zk3-');
  });

  test('callers that send keys in clear', async () => {
    const lab = openDoctorLab();
    writeFileSync(
      join(lab.folder, 'llmgate.yaml'),
      `listen: 0.0.0.0:18080\n${BACKEND.replace('%MOCK%', 'http://127.0.0.1:9')}\n`,
    );
    expect(troubles(await lab.examine(), 'admin plane')).toEqual([
      'warn: keys of callers travel in clear to 0.0.0.0:18080',
    ]);
  });
});

test('an area that cannot be looked at hides no other', async () => {
  const lab = openDoctorLab({
    openGpus() {
      throw new Error('the library is cursed');
    },
  });
  const checks = await lab.examine();
  expect(troubles(checks, 'gpu')).toEqual(['fail: it cannot be looked at: the library is cursed']);
  expect(checks.some(({ area }) => area === 'versions')).toBe(true);
});
