import type { DryRunView } from '../admin/dry-run-schemas.ts';
import { renderBudget, say } from './explain-request.ts';
import { countOf, layOutPairs, renderMs, renderSections, wrapped } from './explain-text.ts';
import type { Report } from './output.ts';
import { NOTHING, renderTable, type Table } from './table.ts';
import { toVisibleText } from './visible-text.ts';

type Pair = readonly [name: string, value: string];

/** What would become of a request, for people and for programs. */
export function toDryRunReport(run: DryRunView, width: number | null): Report {
  return {
    document: run,
    rows: run.targets,
    columns: ['model', 'backend', 'backend_model', 'part', 'usable', 'why_not'],
    human: renderSections([
      { title: `POST ${run.path}`, lines: layOutPairs(summaryOf(run), width) },
      { title: 'Stages', lines: stageLines(run, width) },
      { title: 'Limits', lines: run.limits.map(renderLimit) },
      {
        title: 'Budgets',
        lines: run.budgets.map(
          (each) => `${renderBudget(each)}: ${each.fits ? 'fits' : 'NO ROOM'}`,
        ),
      },
      { title: 'Targets', lines: targetLines(run, width) },
      { title: costTitle(run), lines: costLines(run, width) },
      { title: 'Sent otherwise than it came', lines: sendingLines(run, width) },
    ]),
  };
}

function summaryOf(run: DryRunView): Pair[] {
  const { key_name, key_id, asked_model, model } = run;
  const alias = model !== null && model !== asked_model ? `, which is ${model}` : '';
  return [
    ['key', `${key_name} (${key_id})`],
    ...(asked_model === null ? [] : [['model', `${asked_model}${alias}`] as const]),
    ['it would', verdictOf(run)],
  ];
}

function verdictOf({ would, refusal, place, waits_behind }: DryRunView): string {
  if (refusal !== null) {
    const { status, code, stage, message, retry_after_ms: retryMs } = refusal;
    const retry = retryMs === null ? '' : ` Room in ${renderMs(retryMs)}.`;
    return `be refused by ${stage}, ${status} ${code}: ${message}${retry}`;
  }
  if (would === 'wait') return `wait in line, ${waits_behind ?? 0} before it`;
  return place === null ? 'be sent' : `be sent to ${place.backend}: ${place.why}`;
}

const VERDICTS = { passes: 'ok', refuses: 'NO', not_reached: '-' } as const;

function stageLines({ stages }: DryRunView, width: number | null): string[] {
  return stages.flatMap(({ stage, verdict, words }) =>
    wrapped(`  ${stage.padEnd(12)}  ${VERDICTS[verdict].padEnd(2)}  `, say(words), width),
  );
}

function renderLimit({ name, remaining, admits, wait_ms }: DryRunView['limits'][number]): string {
  const wait = wait_ms === null ? 'until others end' : `for ${renderMs(wait_ms)}`;
  return toVisibleText(`  ${name}: ${remaining} left${admits ? '' : `, NO ROOM ${wait}`}`);
}

const PARTS = { first: '', fallback: 'fallback', left_out: 'left out' } as const;

function targetLines({ targets }: DryRunView, width: number | null): string[] {
  if (targets.length === 0) return [];
  const table: Table = {
    columns: [
      { title: '  BACKEND' },
      { title: 'MODEL' },
      { title: 'STATE' },
      { title: 'BUSY', align: 'right' },
      { title: 'IN $/M', align: 'right', optional: true },
      { title: 'OUT $/M', align: 'right', optional: true },
      { title: 'NOW', whole: true },
    ],
    rows: targets.map((each) => [
      `  ${each.backend}`,
      each.backend_model,
      each.drained ? 'drained' : (each.state ?? NOTHING),
      each.places === null ? String(each.in_flight) : `${each.in_flight}/${each.places}`,
      each.input_per_million_usd ?? NOTHING,
      each.output_per_million_usd ?? NOTHING,
      [PARTS[each.part], each.why_not ?? 'can be used'].filter((text) => text !== '').join(': '),
    ]),
  };
  const text = renderTable(table, { width, paint: (cell) => cell });
  return [...text.trimEnd().split('\n'), ...problemLines(targets, width)];
}

/** What is wrong with those that cannot be used, each backend once. */
function problemLines(targets: DryRunView['targets'], width: number | null): string[] {
  const problems = new Map<string, string>();
  for (const { usable, backend, problem } of targets) {
    if (!usable && problem !== null) problems.set(backend, problem);
  }
  return layOutPairs([...problems], width);
}

function costTitle({ cost }: DryRunView): string {
  return toVisibleText(`What it would cost${cost === null ? '' : ` at ${cost.backend}`}`);
}

function costLines({ cost, hold }: DryRunView, width: number | null): string[] {
  if (cost === null) return [];
  const { usual, longest, input_tokens, input_usd, gpu_hour_usd } = cost;
  if (input_usd === null) return ['  It has no price there: nobody knows.'];
  const pairs: Pair[] = [
    [`the input, about ${countOf(input_tokens, 'token')}`, `$${input_usd}`],
    ...(usual === null
      ? []
      : [
          [
            `with a usual answer, ${countOf(usual.output_tokens, 'token')}`,
            `$${usual.cost_usd ?? '?'}`,
          ] as const,
        ]),
    [
      `with the longest answer, ${countOf(longest.output_tokens, 'token')}`,
      `$${longest.cost_usd ?? '?'}`,
    ],
    ...(gpu_hour_usd === '0' ? [] : [['GPU time besides, an hour', `$${gpu_hour_usd}`] as const]),
    ...(hold === null ? [] : [['held until it ends', `$${hold.usd}`] as const]),
  ];
  return layOutPairs(pairs, width);
}

function sendingLines({ sending }: DryRunView, width: number | null): string[] {
  if (sending === null) return [];
  const { edits, headers_removed, headers_added } = sending;
  const pairs: Pair[] = [
    ...edits.map(
      ({ member, before, after }): Pair => [
        member,
        before === null ? `${after}, added` : `${after}, was ${before}`,
      ],
    ),
    ...(headers_removed.length === 0
      ? []
      : [['headers kept back', headers_removed.join(', ')] as const]),
    ['headers added', headers_added.join(', ')],
  ];
  return layOutPairs(pairs, width);
}
