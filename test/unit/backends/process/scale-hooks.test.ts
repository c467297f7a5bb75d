import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  openScaleHooks,
  type ScaleAction,
  type ScaleHook,
} from '../../../../src/backends/process/scale-hooks.ts';
import type { ScaleFigures } from '../../../../src/backends/process/scale-watch.ts';
import { createLog } from '../../../../src/observe/log.ts';
import { createFakeTime } from '../../../support/fake-time.ts';
import { testDir } from '../../../support/test-dir.ts';

const busy: ScaleFigures = { waiting: 12, utilisation: 0.95 };
const webhook: ScaleAction = { kind: 'webhook', url: 'http://127.0.0.1/scale', secret: 'whsec_x' };

function someHook(action: ScaleAction, more: Partial<ScaleHook> = {}): ScaleHook {
  return {
    name: 'more-gpus',
    subject: { kind: 'model', name: 'llama' },
    up: { waiting: 10, utilisation: null, forMs: 2_000, action },
    down: null,
    cooldownMs: 10_000,
    ...more,
  };
}

function openLab(hooks: readonly ScaleHook[], post?: () => Promise<void>) {
  const time = createFakeTime();
  let text = '';
  const logged = new Map<string, PromiseWithResolvers<void>>();
  const until = (event: string) => {
    const known = logged.get(event) ?? Promise.withResolvers<void>();
    logged.set(event, known);
    return known;
  };
  const write = (line: string) => {
    text += line;
    until(String(JSON.parse(line).event)).resolve();
  };
  const sink = { write, flush: () => {} };
  const sent: { url: string; id: string; body: string }[] = [];
  let figures: ScaleFigures | null = busy;
  const scale = openScaleHooks({
    hooks,
    sample: () => figures,
    post: async ({ url }, message) => {
      sent.push({ url, ...message });
      await post?.();
    },
    ...{
      clock: time.clock,
      timers: time.timers,
      log: createLog({ level: 'info', levels: {}, format: 'json', clock: time.clock, sink }),
    },
    env: { PATH: process.env['PATH'], SECRET: 'not-for-hooks' },
  });
  const become = (next: ScaleFigures | null) => {
    figures = next;
  };
  return {
    ...{ time, sent, scale, become },
    text: () => text,
    untilEvent: (event: string) => until(event).promise,
  };
}

/** A program that a hook can run. */
function script(text: string): string {
  const path = join(testDir(), 'scale.sh');
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

describe('a webhook', () => {
  test('is told what is wanted, once per cooldown, with an id of its own', async () => {
    const lab = openLab([someHook(webhook)]);
    await lab.time.advance(2_500);
    expect(lab.sent).toEqual([]);
    await lab.time.advance(11_000);
    expect(lab.sent).toHaveLength(2);
    const [first, second] = lab.sent.map(({ id, body }) => ({ id, ...JSON.parse(body) }));
    expect(first).toMatchObject({
      type: 'scale.up',
      data: { hook: 'more-gpus', model: 'llama', waiting: 12, utilisation: 0.95, times: 1 },
    });
    expect(second).toMatchObject({ data: { times: 2 } });
    expect(first?.id).not.toBe(second?.id);
    expect(lab.scale.stats()).toEqual([{ name: 'more-gpus', up: 2, down: 0, failures: 0 }]);
    await lab.scale.stop();
    await lab.time.advance(60_000);
    expect(lab.sent).toHaveLength(2);
  });

  test('that fails is counted and logged, and asked again after the cooldown', async () => {
    const lab = openLab([someHook(webhook)], () => Promise.reject(new Error('answered 500')));
    await lab.time.advance(14_000);
    expect(lab.scale.stats()).toMatchObject([{ up: 0, failures: 2 }]);
    expect(lab.text()).toContain('answered 500');
    expect(lab.text()).not.toContain('whsec');
    await lab.scale.stop();
  });

  test('is not asked while nothing is known', async () => {
    const lab = openLab([someHook(webhook)]);
    lab.become(null);
    await lab.time.advance(60_000);
    expect(lab.sent).toEqual([]);
    await lab.scale.stop();
  });
});

describe('a command', () => {
  test('gets the figures, and none of the gateway’s secrets', async () => {
    const out = join(testDir(), 'out');
    const lab = openLab([
      someHook({
        kind: 'command',
        command: [script(`env > ${out}.new; mv ${out}.new ${out}`)],
        timeoutMs: 5_000,
      }),
    ]);
    await lab.time.advance(3_500);
    await lab.untilEvent('scale_hook_done');
    const env = readFileSync(out, 'utf8');
    expect(env).toContain('LLMGATE_SCALE_DIRECTION=up');
    expect(env).toContain('LLMGATE_SCALE_MODEL=llama');
    expect(env).toContain('LLMGATE_SCALE_WAITING=12');
    expect(env).toContain('LLMGATE_SCALE_UTILISATION=0.950');
    expect(env).not.toContain('not-for-hooks');
    expect(lab.scale.stats()).toMatchObject([{ up: 1, failures: 0 }]);
    await lab.scale.stop();
  });

  test('is over when it ends, whatever it leaves running', async () => {
    const pidFile = join(testDir(), 'pid');
    const left = `setsid sleep 300 & echo $! > ${pidFile}; echo no room >&2; exit 3`;
    const command = { kind: 'command', command: [script(left)], timeoutMs: 60_000 } as const;
    const lab = openLab([someHook(command)]);
    await lab.time.advance(4_000);
    await lab.untilEvent('scale_hook_failed');
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
    expect(lab.text()).toContain('it ended with code 3: no room');
    await lab.scale.stop();
  });

  test('is ended when the gateway ends', async () => {
    const command = { kind: 'command', command: ['sleep', '300'], timeoutMs: 60_000 } as const;
    const lab = openLab([someHook(command)]);
    await lab.time.advance(3_500);
    await lab.scale.stop();
    expect(lab.scale.stats()).toMatchObject([{ up: 0, failures: 1 }]);
  });

  test.each([
    ['fails', 'echo no quota left >&2; exit 7', 5_000, 'ended with code 7: no quota left'],
    [
      'takes too long, with what it started',
      'sleep 300 & sleep 300',
      100,
      'did not end within 0.1 s',
    ],
  ])('%s', async (_, text, timeoutMs, words) => {
    const command = { kind: 'command', command: [script(text)], timeoutMs } as const;
    const lab = openLab([someHook(command, { cooldownMs: 1e9 })]);
    await lab.time.advance(3_500);
    await lab.untilEvent('scale_hook_failed');
    expect(lab.text()).toContain(words);
    await lab.scale.stop();
  });

  test('that does not exist', async () => {
    const command = { kind: 'command', command: ['/no/such/thing'], timeoutMs: 5_000 } as const;
    const lab = openLab([someHook(command)]);
    await lab.time.advance(3_500);
    await lab.untilEvent('scale_hook_failed');
    expect(lab.text()).toContain('/no/such/thing');
    await lab.scale.stop();
  });
});

test('a reload keeps what it did not change', async () => {
  const [kept, changed] = [someHook(webhook), someHook(webhook, { name: 'other' })];
  const lab = openLab([kept, changed]);
  await lab.time.advance(2_500);
  lab.scale.replaceHooks([kept, { ...changed, cooldownMs: 5_000 }]);
  await lab.time.advance(1_000);
  // The bound of the other one begins anew.
  expect(lab.sent.map(({ body }) => JSON.parse(body).data.hook)).toEqual(['more-gpus']);
  await lab.scale.stop();
});
