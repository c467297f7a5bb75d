import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { toUsdString } from '../../../src/core/money.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Price } from '../../../src/core/price.ts';
import { NO_USAGE, type Usage, type UsageSource } from '../../../src/core/usage.ts';
import { amountDue } from '../../../src/pricing/amount-due.ts';
import { costOf } from '../../../src/pricing/cost.ts';
import { aPrice } from '../../support/request-rows.ts';

const PRICE: Price = aPrice({
  input: 1_000_000,
  cachedInput: 0,
  output: 2_000_000,
  reasoning: 3_000_000,
  gpuHour: 3_600_000,
});
const TOKENS: Usage = {
  ...NO_USAGE,
  inputTokens: 10,
  cachedInputTokens: 4,
  outputTokens: 20,
  reasoningTokens: 5,
};
const GPU_US = 7_000;
/** 6 × 1000 + 4 × 0 + 15 × 2000 + 5 × 3000, and a nano-dollar for each microsecond. */
const COST = 51_000 + GPU_US;

const DOC = readFileSync(join(import.meta.dirname, '../../../docs/settlement.md'), 'utf8');

/** The cells of the first table after a heading, without its head. */
function tableRows(heading: string): string[][] {
  const section = DOC.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines
    .slice(2)
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
}

type RuleRow = [string, string, string, string, string, string];
const RULE_ROWS = tableRows('The rule') as RuleRow[];

const COUNTS: Readonly<Record<string, { source: UsageSource; usage: Usage }>> = {
  backend: { source: 'reported', usage: TOKENS },
  'backend, and it said zero': { source: 'reported', usage: NO_USAGE },
  'backend, corrected by llmgate': { source: 'clamped', usage: TOKENS },
  llmgate: { source: 'counted', usage: TOKENS },
  'nobody, nothing was used': { source: 'none', usage: NO_USAGE },
  '–': { source: 'none', usage: NO_USAGE },
};

function outcomeOf(ending: string, counter: string): Outcome {
  const count = COUNTS[counter];
  if (count === undefined) throw new Error(`docs/settlement.md: who is "${counter}"?`);
  switch (ending) {
    case 'served':
      return { kind: 'served', ...count };
    case 'cut by caller':
      return { kind: 'cut', by: 'caller', code: 'caller_gone', ...count };
    case 'cut by backend':
      return { kind: 'cut', by: 'backend', code: 'backend_stream_broken', ...count };
    case 'refused':
      return { kind: 'refused', code: 'rate_limit_exceeded' };
    case 'expired':
      return { kind: 'expired', ...count };
    default:
      throw new Error(`docs/settlement.md: there is no ending "${ending}"`);
  }
}

describe('every row of docs/settlement.md', () => {
  test.each(RULE_ROWS)(
    '%s, counted by %s, price known: %s → tokens %s, cost %s, flagged %s',
    (ending, counter, priced, tokens, cost, flagged) => {
      // What took no tokens took no time.
      const gpuUs = tokens === '0' ? 0 : GPU_US;
      const due = amountDue(outcomeOf(ending, counter), priced === 'yes' ? PRICE : null, gpuUs);
      const said = {
        tokens: { t: TOKENS, '0': NO_USAGE }[tokens],
        cost: { 't × p': COST, '0': 0, unknown: null }[cost],
        estimated: { yes: true, no: false }[flagged],
      };
      expect(Object.values(said)).not.toContain(undefined);
      expect({ tokens: due.usage, cost: due.costNanoUsd, estimated: due.estimated }).toEqual(said);
    },
  );

  test('the table leaves no ending out', () => {
    const seen = RULE_ROWS.map(([ending, , priced]) => `${ending}, ${priced}`);
    const endings = ['served', 'cut by caller', 'cut by backend', 'refused', 'expired'];
    const all = endings.flatMap((ending) => [`${ending}, yes`, `${ending}, no`]);
    expect(new Set(seen)).toEqual(new Set(all));
  });
});

test('the time of a refused request is nobody’s to pay', () => {
  const due = amountDue({ kind: 'refused', code: 'backend_error' }, PRICE, GPU_US);
  expect(due).toEqual({ usage: NO_USAGE, costNanoUsd: 0, estimated: false });
});

/** As the gateway would read it for a model. */
function priceInFile(yaml: string): Price {
  const indented = yaml.replaceAll(/^/gm, '    ');
  const text = `backends: { b: { type: vllm, url: "http://127.0.0.1:1" } }\nmodels:\n  m:\n    targets: [b]\n${indented}`;
  const file = { name: 'docs/settlement.md', env: {}, folder: '/' };
  const price = parseConfig(text, file).config.models[0]?.price ?? null;
  if (price === null) throw new Error('docs/settlement.md: no price');
  return price;
}

describe('the worked examples of docs/settlement.md', () => {
  const yaml = /```yaml\n([\s\S]*?)```/.exec(DOC)?.[1] ?? '';
  const price = priceInFile(yaml);
  const PARTS: Readonly<Record<string, keyof Usage>> = {
    input: 'inputTokens',
    cached: 'cachedInputTokens',
    written: 'cacheWriteTokens',
    audio: 'audioInputTokens',
    image: 'imageInputTokens',
    output: 'outputTokens',
    reasoning: 'reasoningTokens',
    audio_output: 'audioOutputTokens',
  };

  function usageOf(tokens: string): Usage {
    const parts = tokens.split(', ').map((part) => {
      const [name = '', count] = part.split(' ');
      const member = PARTS[name];
      if (member === undefined) throw new Error(`docs/settlement.md: what is "${name}"?`);
      return [member, Number(count)];
    });
    return { ...NO_USAGE, ...Object.fromEntries(parts) };
  }

  const rows = tableRows('The price') as [string, string, string][];

  test.each(rows)('%s, %s s → $%s', (tokens, gpuSeconds, costUsd) => {
    const gpuUs = Math.round(Number(gpuSeconds) * 1e6);
    expect(toUsdString(costOf(usageOf(tokens), price, gpuUs))).toBe(costUsd);
  });

  test('there are some', () => {
    expect(rows.length).toBeGreaterThan(8);
  });
});
