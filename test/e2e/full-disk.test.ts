import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import { llmgateBinary } from '../support/llmgate-binary.ts';
import { type FinishedRun, runLlmgate } from '../support/llmgate-process.ts';
import { RunningProcess } from '../support/running-process.ts';
import { type IssuedKey, ServeLab } from '../support/serve-lab.ts';
import { type DiskFault, findDiskFaults } from '../support/small-disk.ts';

// A disk that takes no more while the gateway runs: what needs no writing goes on, what does is
// refused or served by policy, and all is well again by itself when there is room.

const faults = findDiskFaults();
const POLICIES = ['refuse', 'allow'] as const;
const cases = faults.flatMap((fault) => POLICIES.map((policy) => ({ fault, policy })));

class DiskLab implements AsyncDisposable {
  readonly lab: ServeLab;
  readonly fault: DiskFault;
  readonly process: RunningProcess;
  url = '';

  constructor(mock: Mock, fault: DiskFault, policy: string) {
    this.lab = new ServeLab(
      `backends:\n  mock: { type: vllm, url: "${mock.url}" }\nmodels:\n  small: { targets: [mock], price: { input: 1, output: 2 } }\nbudgets: [{ per: key, usd: 5, window: total }]\naudit: { on_failure: ${policy} }`,
    );
    this.fault = fault;
    const { folder, dataDir } = this.lab;
    this.process = new RunningProcess(fault.wrap(dataDir, [llmgateBinary(), 'serve']), {
      cwd: folder,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
  }

  async started(): Promise<void> {
    const [, url = ''] = await this.process.untilLine(/^llmgate \S+ on (http:\S+),/);
    this.url = url;
    const signal = AbortSignal.timeout(10_000);
    while (!(await fetch(`${url}/readyz`, { signal })).ok) signal.throwIfAborted();
  }

  get dataDir(): string {
    return this.fault.dataDirOf(this.process.pid, this.lab.dataDir);
  }

  run(...args: string[]): Promise<FinishedRun> {
    return runLlmgate([...args, '--data-dir', this.dataDir], { cwd: this.lab.folder });
  }

  async runJson<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    if (code !== 0) throw new Error(`llmgate ${args.join(' ')}: exit ${code}\n${stderr}`);
    return JSON.parse(stdout) as T;
  }

  fetch(path: string, key: string, body?: object): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  }

  async ask(key: IssuedKey): Promise<Response> {
    const messages = [{ role: 'user', content: 'hi' }];
    const response = await this.fetch('/v1/chat/completions', key.key, {
      model: 'small',
      messages,
    });
    await response.text();
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop();
    this.lab[Symbol.dispose]();
  }
}

interface Status {
  readonly unrecorded: number;
  readonly ledger: { readonly unwritten: number; readonly dropped: number };
}

if (faults.length === 0) test.skip('neither "unshare" with mounts nor "prlimit" works here');

test.each(cases)('$fault.name, policy $policy', async ({ fault, policy }) => {
  await using mock = await startMock({ models: ['small'] });
  await using disk = new DiskLab(mock, fault, policy);
  await disk.started();
  const key = await disk.runJson<IssuedKey>('keys', 'create', '--name', 'k');
  expect((await disk.ask(key)).status).toBe(200);

  // A report sums up what there is; while nothing can be written it answers from that.
  expect(await disk.run('usage')).toMatchObject({ code: 0, stderr: '' });

  fault.begin(disk.process.pid, disk.lab.dataDir);
  // What is left of the last page of the log takes a row or two.
  let asked = 1;
  do {
    await disk.ask(key);
    asked += 1;
  } while (asked < 30 && !disk.process.lines.some((line) => line.includes('"store_unwritable"')));
  await disk.process.untilLine(/"event":"store_unwritable"/);
  const seenBefore = mock.stats().requests;
  const paid = await disk.ask(key);
  asked += 1;
  if (policy === 'refuse') {
    expect(paid.status).toBe(503);
    expect(paid.headers.get('x-llmgate-error')).toBe('store_unavailable');
    expect(Number(paid.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(mock.stats().requests).toBe(seenBefore);
  } else {
    expect(paid.status).toBe(200);
    expect(mock.stats().requests).toBe(seenBefore + 1);
  }

  await expectTheRestToWork(disk, key);
  // The list of models and one more that costs.
  asked += 2;
  const during = await disk.runJson<Status>('status');
  expect(during.ledger).toMatchObject({ dropped: 0 });
  expect(during.ledger.unwritten).toBeGreaterThan(0);
  expect(during.unrecorded > 0).toBe(policy === 'allow');

  fault.end(disk.process.pid, disk.lab.dataDir);
  await disk.process.untilLine(/"event":"store_writable"/);
  expect((await disk.ask(key)).status).toBe(200);
  asked += 1;
  expect((await disk.run('keys', 'create', '--name', 'second')).code).toBe(0);
  const status = await disk.runJson<Status>('status');
  expect(status.ledger).toMatchObject({ unwritten: 0, dropped: 0 });
  const { total } = await disk.runJson<{ total: { requests: number } }>('usage', '--since', '1h');
  expect(total.requests).toBe(asked);
  expect(await disk.run('ledger', 'check')).toMatchObject({ code: 0 });
  expect(await disk.run('audit', 'verify')).toMatchObject({ code: 0 });
  expect(disk.process.lines.join('\n')).not.toContain('"internal"');
});

/** Everything that needs no room, and how what needs it is refused. */
async function expectTheRestToWork(disk: DiskLab, key: IssuedKey): Promise<void> {
  expect((await fetch(`${disk.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${disk.url}/readyz`)).status).toBe(200);
  const models = await disk.fetch('/v1/models', key.key);
  expect(models.status).toBe(200);
  expect(await models.text()).toContain('"small"');
  expect((await disk.fetch('/v1/models', `${key.key}x`)).status).toBe(401);
  const reads = [['keys', 'list'], ['usage'], ['budgets', 'list'], ['status'], ['audit', 'list']];
  for (const read of reads) expect(await disk.run(...read)).toMatchObject({ code: 0, stderr: '' });
  const writes = [
    ['keys', 'create', '--name', 'late'],
    ['keys', 'suspend', 'k'],
    ['budgets', 'set', 'key/k', '--usd', '1/day'],
  ];
  for (const write of writes) {
    const { code, stdout, stderr } = await disk.run(...write);
    expect({ write, code, stdout }).toEqual({ write, code: 1, stdout: '' });
    expect(stderr).toMatch(/^llmgate: .*(?:cannot|could not) be written.*\n$/);
  }
  expect((await disk.ask(key)).status).not.toBe(401);
  if (disk.fault.name !== 'a full file system') return;
  // To another disk a copy can still be made; the trail cannot be told.
  const file = join(disk.lab.folder, 'copy.db');
  expect(await disk.runJson('backup', file)).toMatchObject({ file, recorded: false });
}
