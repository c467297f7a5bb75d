import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Price } from '../../../src/core/price.ts';
import { NO_USAGE, type Usage, type UsageSource } from '../../../src/core/usage.ts';
import { amountDue } from '../../../src/pricing/amount-due.ts';

const PRICE: Price = { input: 1_000_000, cachedInput: 0, output: 2_000_000, reasoning: 3_000_000 };
const TOKENS: Usage = {
  inputTokens: 10,
  cachedInputTokens: 4,
  outputTokens: 20,
  reasoningTokens: 5,
};
/** 6 × 1000 + 4 × 0 + 15 × 2000 + 5 × 3000 */
const COST = 51_000;

const DOC = readFileSync(join(import.meta.dirname, '../../../docs/settlement.md'), 'utf8');

/** The cells of the table under "The rule", without its head. */
function ruleRows(): [string, string, string, string, string, string][] {
  const section = DOC.split('## The rule')[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    return cells.slice(1, 7) as [string, string, string, string, string, string];
  });
}

const COUNTS: Readonly<Record<string, { source: UsageSource; usage: Usage }>> = {
  backend: { source: 'reported', usage: TOKENS },
  'backend, and it said zero': { source: 'reported', usage: NO_USAGE },
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
  test.each(ruleRows())(
    '%s, counted by %s, price known: %s → tokens %s, cost %s, flagged %s',
    (ending, counter, priced, tokens, cost, flagged) => {
      const due = amountDue(outcomeOf(ending, counter), priced === 'yes' ? PRICE : null);
      const said = {
        tokens: { t: TOKENS, '0': NO_USAGE }[tokens],
        cost: { 't × p': COST, '0': 0, unknown: null }[cost],
        estimated: { yes: true, no: false }[flagged],
      };
      expect(said).not.toContain(undefined);
      expect({ tokens: due.usage, cost: due.costNanoUsd, estimated: due.estimated }).toEqual(said);
    },
  );

  test('the table leaves no ending out', () => {
    const seen = ruleRows().map(([ending, , priced]) => `${ending}, ${priced}`);
    const endings = ['served', 'cut by caller', 'cut by backend', 'refused', 'expired'];
    const all = endings.flatMap((ending) => [`${ending}, yes`, `${ending}, no`]);
    expect(new Set(seen)).toEqual(new Set(all));
  });
});
