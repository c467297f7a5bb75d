import type { BudgetView } from '../admin/budget-schemas.ts';
import type { CostView, ExplainView, StageView } from '../admin/explain-schemas.ts';
import {
  type Bar,
  countOf,
  layOutPairs,
  renderMs,
  renderSections,
  renderWaterfall,
  wrapped,
} from './explain-text.ts';
import type { Report } from './output.ts';
import { toVisibleText } from './visible-text.ts';

type Pair = readonly [name: string, value: string];

/** How a request went, for people and for programs. `width`: cells of a line; null never wraps. */
export function toExplainReport(found: ExplainView, width: number | null): Report {
  return {
    document: found,
    rows: found.attempts,
    columns: ['attempt', 'backend', 'model', 'reason', 'start_ms', 'end_ms', 'status', 'code'],
    human: renderSections([
      { title: `Request ${found.id}`, lines: layOutPairs(summaryOf(found), width) },
      { title: 'Stages', lines: stageLines(found.stages, width) },
      { title: 'Attempts', lines: found.attempts.flatMap((each) => attemptLines(each, width)) },
      {
        title: `Time, ${renderMs(found.timing.duration_ms)} in all${legendOf(found)}`,
        lines: renderWaterfall(barsOf(found), found.timing.duration_ms),
      },
      { title: 'Tokens and price', lines: costLines(found, width) },
      { title: 'Counted to these budgets', lines: found.counted_to.map(renderBudget) },
      { title: 'Not known', lines: found.unknown.flatMap((text) => wrapped('  ', text, width)) },
    ]),
  };
}

function summaryOf({ who, what, timing, state, cost, audit, content_kept }: ExplainView): Pair[] {
  const owners = (['user', 'team', 'tenant'] as const).flatMap((name): Pair[] => {
    const owner = who[name];
    return owner === null ? [] : [[name, owner]];
  });
  const tags = Object.entries(who.tags).map(([name, value]) => `${name}=${value}`);
  const key = who.key_name === null ? who.key_id : `${who.key_name} (${who.key_id})`;
  const size = what.body_bytes === null ? '' : `, ${what.body_bytes} bytes`;
  const how = what.streamed ? 'a stream' : 'one answer';
  const { backend, answered_by: there } = what;
  const another = there === null || there === what.model ? '' : `, its model ${there}`;
  const status = what.status === null ? '' : `, HTTP ${what.status}`;
  const code = what.code === null ? '' : ` ${what.code}`;
  return [
    ['state', state === 'in_flight' ? 'in flight' : `${what.outcome}${status}${code}`],
    ['began', timing.started_at],
    ...(timing.finished_at === null ? [] : [['ended', timing.finished_at] as const]),
    ['key', key],
    ...owners,
    ...(tags.length === 0 ? [] : [['tags', tags.join(', ')] as const]),
    ['asked for', `${what.endpoint}, ${what.model || 'no model'}, as ${how}${size}`],
    ...(backend === null ? [] : [['backend', `${backend}${another}`] as const]),
    ...(cost === null
      ? []
      : [['cost', cost.cost_usd === null ? 'no price' : `$${cost.cost_usd}`] as const]),
    ...(content_kept ? [['content', 'kept: llmgate audit content'] as const] : []),
    ...(audit === null
      ? []
      : [['audit trail', `llmgate audit show ${audit.seq} --chain requests`] as const]),
  ];
}

const VERDICTS: Readonly<Record<StageView['verdict'], string>> = {
  passed: 'ok',
  ended: 'END',
  running: 'NOW',
  not_reached: '-',
  unknown: '?',
};

function stageLines(stages: readonly StageView[], width: number | null): string[] {
  return stages.flatMap(({ stage, verdict, words }) =>
    wrapped(`  ${stage.padEnd(12)}  ${VERDICTS[verdict].padEnd(3)}  `, say(words), width),
  );
}

/** Sentences of one stage. */
export function say(words: readonly string[]): string {
  return words.map(toVisibleText).join('; ');
}

function attemptLines(each: ExplainView['attempts'][number], width: number | null): string[] {
  const { attempt, backend, model, why, start_ms, end_ms, first_token_ms, status, code } = each;
  const there = model === null ? '' : `, model ${model}`;
  const times = [
    start_ms === null ? null : `from ${renderMs(start_ms)}`,
    first_token_ms === null ? null : `first token at ${renderMs(first_token_ms)}`,
    end_ms === null ? 'still open' : `to ${renderMs(end_ms)}`,
  ].filter((text) => text !== null);
  const answered = status === null ? 'no answer' : `HTTP ${status}`;
  const open = end_ms === null && status === null;
  const outcome = open ? 'waits for its answer' : `${answered}${code === null ? '' : `: ${code}`}`;
  const below = [
    ...(why === null ? [] : [`chosen: ${why}`]),
    times.join(', '),
    outcome,
    ...(each.next === null ? [] : [`then: ${each.next}`]),
  ];
  return [
    ...wrapped(`  ${attempt}  `, toVisibleText(`${backend}${there}`), width),
    ...below.flatMap((text) => wrapped('     ', toVisibleText(text), width)),
  ];
}

function legendOf({ attempts }: ExplainView): string {
  return attempts.some(({ first_token_ms }) => first_token_ms !== null) ? ', * first token' : '';
}

function barsOf({ attempts, timing }: ExplainView): Bar[] {
  const total = timing.duration_ms;
  const first = attempts[0]?.start_ms ?? total;
  const queueMs = Math.min(first, timing.queue_ms ?? 0);
  return [
    { name: 'gateway', start: 0, end: first - queueMs, mark: null },
    ...(queueMs > 0 ? [{ name: 'in line', start: first - queueMs, end: first, mark: null }] : []),
    ...attempts.map(({ attempt, backend, start_ms, end_ms, first_token_ms }) => ({
      name: `${attempt} ${backend}`,
      start: start_ms ?? 0,
      end: end_ms ?? total,
      mark: first_token_ms,
    })),
  ];
}

function costLines({ usage, cost }: ExplainView, width: number | null): string[] {
  if (usage === null || cost === null || usage.source === 'none') return [];
  const by = usage.estimated ? `${usage.source}, an estimate` : usage.source;
  const tokens: Pair[] = [
    ['input', `${countOf(usage.input_tokens, 'token')}${partsOf(usage, INPUT_PARTS)}`],
    ['output', `${countOf(usage.output_tokens, 'token')}${partsOf(usage, OUTPUT_PARTS)}`],
    ['counted by', by],
  ];
  return [...layOutPairs(tokens, width), ...arithmetic(cost)];
}

const INPUT_PARTS = ['cached_input', 'cache_write', 'audio_input', 'image_input'] as const;
const OUTPUT_PARTS = ['reasoning', 'audio_output', 'image_output'] as const;

type Part = (typeof INPUT_PARTS)[number] | (typeof OUTPUT_PARTS)[number];

function partsOf(usage: NonNullable<ExplainView['usage']>, parts: readonly Part[]): string {
  const some = parts.flatMap((part) => {
    const count = usage[`${part}_tokens`];
    return count === 0 ? [] : [`${count} ${part.replace('_', ' ')}`];
  });
  return some.length === 0 ? '' : `, of them ${some.join(', ')}`;
}

/** Each line to the last digit, then the sum and what was booked. */
function arithmetic({
  lines,
  exact_usd,
  cost_usd,
  agrees,
  above_input_tokens,
}: CostView): string[] {
  if (exact_usd === null) return ['  no price was set: what it cost is unknown'];
  const tier = above_input_tokens === null ? '' : ` (price above ${above_input_tokens} tokens)`;
  const rows: Pair[] = [
    ...lines.map(({ what, count, rate_usd, usd }): Pair => {
      const isTime = what === 'gpu_time';
      const used = isTime ? renderMs(count / 1_000) : String(count);
      const rate = isTime ? 'an hour' : 'per million';
      return [`${what.replace('_', ' ')} ${used} × $${rate_usd} ${rate}`, `$${usd}`];
    }),
    [`sum${tier}`, `$${exact_usd}`],
    ['booked, rounded up to a billionth', cost_usd === null ? 'unknown' : `$${cost_usd}`],
  ];
  const differs = '  The books differ from this arithmetic: run llmgate audit verify.';
  return [...layOutPairs(rows, null), ...(agrees === false ? [differs] : [])];
}

const PERIODS = {
  hour: 'per hour',
  day: 'per day',
  week: 'per week',
  month: 'per month',
  total: 'in total',
} as const;

/** One budget as it stands, in a line. */
export function renderBudget(budget: BudgetView): string {
  const { per, subject, name, window } = budget;
  const owner = per === 'all' ? 'all keys' : `${per} ${name ?? subject ?? ''}`;
  const isUsd = budget.measure === 'usd';
  const amount = (usd: string | null, tokens: number | null) =>
    isUsd ? `$${usd ?? '0'}` : `${tokens ?? 0}`;
  const limit = amount(budget.limit_usd, budget.limit_tokens);
  const spent = amount(budget.spent_usd, budget.spent_tokens);
  const left = amount(budget.remaining_usd, budget.remaining_tokens);
  const unit = isUsd ? '' : ' tokens';
  return toVisibleText(
    `  ${owner}: ${limit}${unit} ${PERIODS[window]}, ${spent} spent, ${left} left`,
  );
}
