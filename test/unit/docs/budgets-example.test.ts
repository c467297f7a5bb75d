import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { fromUsd } from '../../../src/core/money.ts';
import { createBudgetBook, type Hold, type Payer } from '../../../src/pricing/budgets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { amountOf } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';
import { testDir } from '../../support/test-dir.ts';
import { thrownBy } from '../../support/thrown.ts';

const DOC = readFileSync(new URL('../../../docs/budgets.md', import.meta.url), 'utf8');
const EXAMPLE = DOC.slice(DOC.indexOf('## An example'));
const USD = fromUsd(1);

function loadExample() {
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(EXAMPLE) ?? [];
  const path = join(testDir(), 'llmgate.yaml');
  writeFileSync(path, `${yaml}backends: { gpu0: { type: vllm, url: "http://127.0.0.1:8000" } }\n`);
  return loadConfig({ path, env: {} }).config;
}

interface Row {
  readonly nowMs: number;
  readonly who: string;
  readonly verb: string;
  readonly usd: number;
  readonly outcome: string;
  readonly team: string;
  readonly key: string;
}

function readRows(): Row[] {
  const lines = [...EXAMPLE.matchAll(/^\| (\d\d):(\d\d) \| (.*) \|$/gm)];
  return lines.map(([, hour, minute, rest = '']) => {
    const [who = '', what = '', usd, outcome = '', team = '', key = ''] = rest.split(/ *\| */);
    const day = hour === '23' ? 18 : 19;
    // Berlin is an hour ahead of UTC in November.
    const nowMs = Date.UTC(2026, 10, day, Number(hour) - 1, Number(minute));
    const [verb = ''] = what.split(/[ ,]/);
    return { nowMs, who, verb, usd: Number(usd), outcome, team, key };
  });
}

test('the example of docs/budgets.md is what happens', () => {
  const { budgets: rules, timezone } = loadExample();
  const rows = readRows();
  expect(rows).toHaveLength(12);
  const clock = createFakeClock(rows[0]?.nowMs);
  const alerts: number[] = [];
  const onThreshold = ({ threshold }: { threshold: number }) => alerts.push(threshold);
  const book = createBudgetBook({ rules, timezone, clock, onThreshold });
  const inFlight = new Map<string, Hold[]>();

  for (const { nowMs, who, verb, usd, outcome, team, key } of rows) {
    clock.setWall(nowMs);
    const payer: Payer = { key: someKey({ id: who, name: who, team: 'research' }), model: 'm' };
    const told = alerts.length;
    if (verb === 'tops') {
      const windowStartMs = book.starts().day;
      const target = { per: 'team', subject: 'research', measure: 'usd', window: 'day' } as const;
      const grant = { id: 1, kind: 'top_up', amount: usd * USD, createdAtMs: nowMs } as const;
      book.replaceGrants([{ ...target, ...grant, windowStartMs, untilMs: null }]);
    } else if (verb === 'ends') {
      const { overrunNanoUsd } = book.stats();
      inFlight.get(who)?.shift()?.settle(amountOf(usd));
      const [, excess = '0'] = /([\d.]+) more than was held/.exec(outcome) ?? [];
      expect(book.stats().overrunNanoUsd - overrunNanoUsd).toBe(Number(excess) * USD);
    } else if (outcome === 'let in') {
      const hold = book.reserve(payer, amountOf(usd));
      inFlight.set(who, [...(inFlight.get(who) ?? []), hold]);
    } else {
      const [, by = ''] = /^refused by the budget of the (\w+)$/.exec(outcome) ?? [];
      const { message } = thrownBy(() => book.reserve(payer, amountOf(usd)));
      expect(message).toContain(by === 'key' ? 'budget of this key' : `budget of ${by} "research"`);
    }
    const [, percent] = /reached (\d+)%/.exec(outcome) ?? [];
    expect(alerts.slice(told)).toEqual(percent === undefined ? [] : [Number(percent)]);

    const [ofTeam] = book.standing('team', 'research');
    const { spent = 0, held = 0, limit = 0 } = ofTeam ?? {};
    expect(`${spent / USD}, ${held / USD} of ${limit / USD}`, outcome).toBe(team);
    const [own] = book.standing('key', who, payer.key);
    if (key !== '') expect(`${(own?.spent ?? 0) / USD}, ${(own?.held ?? 0) / USD}`).toBe(key);
  }
});
