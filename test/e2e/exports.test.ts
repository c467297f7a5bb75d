import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startMock } from '../../src/mock/mock.ts';
import { startFakeS3 } from '../support/fake-s3.ts';
import { startHttpReceiver } from '../support/http-receiver.ts';
import { ServeLab } from '../support/serve-lab.ts';
import { startStreamReceiver, startUdpReceiver } from '../support/syslog-receiver.ts';

interface Status {
  readonly exports: readonly { readonly id: string; readonly lag_rows: number }[];
}

interface Line {
  readonly chain: string;
  readonly seq?: number;
}

const secret = () => randomBytes(32).toString('base64');

test('the trail reaches every kind of sink while the gateway runs, over a kill too', async () => {
  const s3Secret = secret();
  await using mock = await startMock({ models: ['small'] });
  await using webhook = startHttpReceiver();
  await using s3 = startFakeS3(s3Secret);
  await using tcp = await startStreamReceiver();
  await using udp = await startUdpReceiver();
  using lab = new ServeLab(`
backends: { mock: { type: vllm, url: "${mock.url}" } }
audit:
  export:
    - { type: webhook, url: "${webhook.url}/trail/token-in-path", secret: "\${file:./webhook}" }
    - type: s3
      endpoint: "${s3.receiver.url}"
      bucket: audit
      region: eu-central-1
      access_key_id: "\${file:./s3-id}"
      secret_access_key: "\${file:./s3-secret}"
    - { type: syslog, address: "tcp://127.0.0.1:${tcp.port}" }
    - { type: syslog, address: "udp://127.0.0.1:${udp.port}" }
`);
  for (const [file, text] of [
    ['webhook', secret()],
    ['s3-id', 'AKIDEXAMPLEOFTHISTEST'],
    ['s3-secret', s3Secret],
  ] as const) {
    writeFileSync(join(lab.folder, file), text, { mode: 0o600 });
  }
  {
    await using served = await lab.serve();
    const { key } = await lab.createKey('k');
    const reply = await fetch(`${served.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'hi' }] }),
    });
    expect(reply.status).toBe(200);
    await reply.text();
    served.process.signal('SIGKILL');
    await served.process.exited;
  }
  await using again = await lab.serve();
  await untilExported(lab);
  const status = await lab.run('status', '--json');
  expect(status.stdout).not.toContain('token-in-path');
  again.process.signal('SIGTERM');
  expect(await again.process.exited).toBe(0);

  const posted = webhook.requests.flatMap(({ body }): Line[] => JSON.parse(body).data.records);
  const stored = [...s3.objects.values()].flatMap(linesOf);
  for (const lines of [posted, stored]) {
    // At least once: what came twice is the same row.
    expect(seqsOf(lines, 'requests')).toEqual([1]);
    const events = seqsOf(lines, 'admin_events');
    expect(events).toEqual(events.map((_, index) => index + 1));
    expect(events.length).toBeGreaterThan(5);
  }
  for (const { messages } of [tcp, udp]) {
    expect(messages.some((message) => message.includes('key.create'))).toBe(true);
    expect(messages.every((message) => message.startsWith('<'))).toBe(true);
  }
});

/** Asks until no sink is behind but the bucket, which gathers rows for larger objects. */
async function untilExported(lab: ServeLab): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  let behind = 1;
  while (behind > 0) {
    expect(performance.now()).toBeLessThan(deadlineMs);
    const { exports } = await lab.runJson<Status>('status');
    behind = exports.filter(({ id, lag_rows }) => !id.startsWith('s3:') && lag_rows > 0).length;
  }
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function seqsOf(lines: readonly Line[], chain: string): number[] {
  const seqs = lines.filter((line) => line.chain === chain).map(({ seq }) => seq ?? 0);
  return [...new Set(seqs)].toSorted((a, b) => a - b);
}
