import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type ChainRow, openChainRows } from '../../src/store/chain-rows.ts';
import { openAuditLab } from '../support/audit-lab.ts';

function openLab() {
  const lab = openAuditLab();
  onTestFinished(() => lab.close());
  return { ...lab, rows: openChainRows(lab.db) };
}

/** The script of docs/export.md over files with these lines; its last words and exit status. */
function runDocumentedScript(dir: string, lines: readonly string[]) {
  const markdown = readFileSync(join(import.meta.dirname, '../../docs/export.md'), 'utf8');
  const script = /```python verify-export\n([\s\S]*?)```/.exec(markdown)?.[1];
  if (script === undefined) throw new Error('docs/export.md has lost its script');
  writeFileSync(join(dir, 'verify.py'), script);
  writeFileSync(join(dir, 'audit.jsonl'), lines.map((line) => `${line}\n`).join(''));
  const run = Bun.spawnSync(['python3', 'verify.py', 'audit.jsonl'], { cwd: dir });
  return { code: run.exitCode, said: `${run.stdout}${run.stderr}`.trim() };
}

const linesOf = (rows: readonly ChainRow[]) => rows.map(({ line }) => line);

test('a request has every field that the document names', () => {
  const lab = openLab();
  lab.addRequests(7);
  const [row] = lab.rows.read('requests', 6, 10);
  expect(row?.seq).toBe(7);
  expect(JSON.parse(row?.line ?? '')).toEqual({
    schema: 1,
    chain: 'requests',
    install: lab.audit.installId,
    seq: 7,
    hash: lab.audit.heads().requests.hash,
    time: new Date(row?.atMs ?? 0).toISOString(),
    id: expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    key: 'K00000000001',
    user: 'user "1"\n',
    team: null,
    tenant: null,
    tags: { env: 'prod', project: 'é' },
    model: 'small',
    backend: 'gpu1',
    endpoint: 'chat',
    outcome: 'served',
    code: null,
    usage_source: 'reported',
    estimated: false,
    streamed: false,
    status: 200,
    started_at_ms: row?.atMs,
    duration_ms: 250,
    ttft_us: 12_500,
    backend_us: 249_000,
    input_tokens: 107,
    cached_input_tokens: 5,
    cache_write_tokens: 0,
    audio_input_tokens: 0,
    image_input_tokens: 0,
    output_tokens: 7,
    reasoning_tokens: 0,
    audio_output_tokens: 0,
    image_output_tokens: 0,
    gpu_us: 21,
    price: { input: 150_000, output: 600_000 },
    cost_nano_usd: 1_007,
    cost_usd: '0.000001007',
    attempts: 2,
    content_ref: null,
    attempt_list: [
      {
        attempt: 1,
        backend: 'flaky',
        started_at_ms: 1_763_600_000_000,
        duration_us: 12_000,
        code: 'backend_error',
        status: 500,
      },
      {
        attempt: 2,
        backend: 'gpu1',
        started_at_ms: 1_763_600_000_000,
        duration_us: 12_000,
        code: null,
        status: 200,
      },
    ],
  });
});

test('an event and a checkpoint have every field that the document names', () => {
  const lab = openLab();
  lab.addEvents(2);
  const checkpoint = lab.checkpoint();
  const [event] = lab.rows.read('admin_events', 1, 10);
  expect(JSON.parse(event?.line ?? '')).toEqual({
    schema: 1,
    chain: 'admin_events',
    install: lab.audit.installId,
    seq: 2,
    hash: event?.hash,
    time: new Date(event?.atMs ?? 0).toISOString(),
    at_ms: event?.atMs,
    actor: 'alice@gpu-box',
    origin: 'admin socket',
    action: 'key.update',
    target: 'K00000000001',
    before: { requests_per_minute: 60 },
    after: { requests_per_minute: 61, note: 'a "quoted"\nline' },
  });
  const [note] = lab.rows.read('checkpoints', 0, 10);
  expect(note).toMatchObject({ seq: checkpoint.atMs, atMs: checkpoint.atMs, hash: '' });
  expect(JSON.parse(note?.line ?? '')).toEqual({
    schema: 1,
    chain: 'checkpoints',
    install: lab.audit.installId,
    seq: checkpoint.atMs,
    time: new Date(checkpoint.atMs).toISOString(),
    note: checkpoint.note,
  });
});

test('every field of a record is in the document, and no line has a line break', () => {
  const lab = openLab();
  lab.addRequests(7);
  lab.addEvents(1);
  lab.checkpoint();
  const markdown = readFileSync(join(import.meta.dirname, '../../docs/export.md'), 'utf8');
  for (const chain of ['requests', 'admin_events', 'checkpoints'] as const) {
    for (const { line } of lab.rows.read(chain, 0, 100)) {
      expect(line).not.toContain('\n');
      expect(line.startsWith('{"schema":1,')).toBe(true);
      for (const field of Object.keys(JSON.parse(line))) expect(markdown).toContain(`\`${field}\``);
    }
  }
});

test.skipIf(Bun.which('python3') === null)(
  'whoever has the lines can verify both chains with the script of the document',
  () => {
    const lab = openLab();
    lab.addRequests(60);
    lab.addEvents(20);
    // Numbers that other languages write otherwise, and words that look like fields.
    const words = {
      atMs: 5,
      actor: ',"before":',
      origin: 'é😀\u2028',
      action: 'a.b',
      target: '\\',
    };
    lab.audit.record({ ...words, before: { before: 1e-7, after: 1e21 }, after: [0.1, -0] });
    lab.checkpoint();
    const lines = (['requests', 'admin_events', 'checkpoints'] as const).flatMap((chain) =>
      linesOf(lab.rows.read(chain, 0, 500)),
    );
    const { dataDir } = lab;
    expect(runDocumentedScript(dataDir, lines)).toEqual({
      code: 0,
      said: '81 rows are as they were written',
    });
    // Delivered twice is as good as once.
    const twice = lines.flatMap((line) => [line, line]);
    expect(runDocumentedScript(dataDir, twice)).toMatchObject({ code: 0 });
    const changed = lines.with(
      30,
      (lines[30] ?? '').replace('"output_tokens":31', '"output_tokens":3'),
    );
    expect(runDocumentedScript(dataDir, changed)).toEqual({
      code: 1,
      said: 'requests 31: not as it was written',
    });
    const forged = lines.with(70, (lines[70] ?? '').replace('alice', 'mallory'));
    expect(runDocumentedScript(dataDir, forged)).toMatchObject({ code: 1 });
    expect(runDocumentedScript(dataDir, lines.toSpliced(10, 2)).said).toContain(
      'requests: 11 to 12 are not in these files',
    );
  },
);

test('the hash of a line is the one of the row, and of the line before it', () => {
  const lab = openLab();
  lab.addEvents(1);
  const [event] = lab.rows.read('admin_events', 0, 1);
  const { at_ms, actor, origin, action, target, after } = JSON.parse(event?.line ?? '');
  const words = [actor, origin, action, target].map((word) => JSON.stringify(word));
  const text = ['0'.repeat(64), 1, at_ms, ...words, '', JSON.stringify(after)].join('\n');
  expect(event?.hash).toBe(createHash('sha256').update(text).digest('hex'));
});

test('rows are read in order, after a seq, up to a number of them', () => {
  const lab = openLab();
  lab.addRequests(25);
  const seqs = (after: number, limit: number) =>
    lab.rows.read('requests', after, limit).map(({ seq }) => seq);
  expect(seqs(0, 3)).toEqual([1, 2, 3]);
  expect(seqs(3, 2)).toEqual([4, 5]);
  expect(seqs(23, 10)).toEqual([24, 25]);
  expect(seqs(25, 10)).toEqual([]);
});

test('what retention deleted is passed over and still counts as the head', () => {
  const lab = openLab();
  lab.addRequests(10);
  lab.addEvents(3);
  lab.purge('requests', 1, 8);
  expect(lab.rows.read('requests', 0, 3).map(({ seq }) => seq)).toEqual([9, 10]);
  lab.purge('requests', 9, 10);
  expect(lab.rows.read('requests', 0, 3)).toEqual([]);
  expect(lab.rows.heads()).toEqual({ requests: 10, admin_events: 7, checkpoints: 0 });
});

test('empty books have heads of zero and no rows', () => {
  const lab = openLab();
  expect(lab.rows.heads()).toEqual({ requests: 0, admin_events: 0, checkpoints: 0 });
  for (const chain of ['requests', 'admin_events', 'checkpoints'] as const) {
    expect(lab.rows.read(chain, 0, 500)).toEqual([]);
  }
});

test('long rows come in smaller answers, one at least', () => {
  const lab = openLab();
  const after = { notes: Array.from({ length: 15 }, () => 'x'.repeat(4_000)) };
  for (let at = 0; at < 60; at += 1) {
    const event = { atMs: at, actor: 'a', origin: 'o', action: 'a.b', target: '' };
    lab.audit.record({ ...event, before: null, after });
  }
  const rows = lab.rows.read('admin_events', 0, 500);
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.length).toBeLessThan(20);
  expect(lab.rows.read('admin_events', rows.length, 500)[0]?.seq).toBe(rows.length + 1);
});

test('a row whose word was taken out of its dictionary is exported without it', () => {
  const lab = openLab();
  lab.addRequests(2);
  lab.db.exec('DELETE FROM dimensions WHERE id = (SELECT dimension FROM requests WHERE seq = 1)');
  const [row] = lab.rows.read('requests', 0, 1);
  expect(JSON.parse(row?.line ?? '')).toMatchObject({ seq: 1, key: null, tags: null, status: 200 });
});
