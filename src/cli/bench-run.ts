import { type BenchDocument, hasSucceeded, toDocument } from '../bench/bench-document.ts';
import type { BenchLab } from '../bench/bench-lab.ts';
import { toDetail } from '../bench/detail.ts';
import type { BenchOutcome } from '../bench/outcome.ts';
import { runBench } from '../bench/run-bench.ts';
import type { BenchSettings } from '../bench/settings.ts';
import { createTarget, type Target, TargetError } from '../bench/target.ts';
import { systemClock } from '../core/clock.ts';
import {
  type LineWriter,
  loadApiKey,
  loadCompareKey,
  loadPrompts,
  openLines,
  writePage,
} from './bench-files.ts';
import type { BenchFlags } from './bench-flags.ts';
import { createProgress } from './bench-progress.ts';
import { toBenchReport, toPlainWarnings } from './bench-report.ts';
import { toSettings } from './bench-settings.ts';
import { BUILD_INFO } from './build-info.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { printReport } from './output.ts';
import { toVisibleText } from './visible-text.ts';

const TARGET_EXITS = {
  unreachable: EXIT.unreachable,
  refused_key: EXIT.notAllowed,
  no_model: EXIT.notFound,
} as const satisfies Record<TargetError['kind'], number>;

/** Measures and prints. The exit code says whether anything succeeded and every assertion held. */
export async function benchAndReport(flags: BenchFlags, io: CliIo): Promise<void> {
  const prompts = loadPrompts(flags, io);
  const settings = toSettings(flags, prompts);
  const target = openTarget(flags, flags.baseUrl ?? flags.url, loadApiKey(flags, io));
  const direct =
    flags.compare === undefined ? null : openTarget(flags, flags.compare, loadCompareKey(io));
  const details = flags.details === undefined ? null : openLines(flags.details, io);
  const startedMs = systemClock.nowMs();
  const progress = createProgress(io);
  const lab: BenchLab = {
    settings,
    prompts,
    clock: systemClock,
    signal: io.signal,
    onSecond: progress.show,
    onTimings:
      details === null
        ? null
        : (run) => (shot, end) => details.add(JSON.stringify(toDetail(run, shot, end))),
  };
  const outcome = await measure(lab, target, direct, { progress, details });
  const { version, commit } = BUILD_INFO;
  const document = toDocument(outcome, settings, { startedMs, tool: { version, commit } });
  await printReport(io, flags, toBenchReport(document, outcome));
  for (const warning of toPlainWarnings(outcome)) io.err(`${toVisibleText(warning)}\n`);
  if (flags.html !== undefined) {
    const { renderBenchPage } = await import('../bench/html-page.ts');
    writePage(flags.html, io, renderBenchPage(document, outcome));
  }
  io.setExitCode(toExitCode(document, outcome, settings));
}

async function measure(
  lab: BenchLab,
  target: Target,
  direct: Target | null,
  open: { readonly progress: { clear(): void }; readonly details: LineWriter | null },
): Promise<BenchOutcome> {
  try {
    return await runBench(lab, target, direct);
  } catch (cause) {
    if (!(cause instanceof TargetError)) throw cause;
    throw new CliError(toVisibleText(cause.message), TARGET_EXITS[cause.kind]);
  } finally {
    open.progress.clear();
    open.details?.close();
  }
}

function openTarget(flags: BenchFlags, url: string, apiKey: string | null): Target {
  try {
    return createTarget({ url, apiKey, headers: flags.header ?? [], timeoutMs: flags.timeout });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(toVisibleText(`${url}: ${reason}`), EXIT.usage);
  }
}

/** Interrupted first: a condition that half a run breaks says nothing. */
function toExitCode(
  document: BenchDocument,
  outcome: BenchOutcome,
  settings: BenchSettings,
): number {
  if (outcome.wasInterrupted) return EXIT.interrupted;
  if (!hasSucceeded(outcome)) return EXIT.failed;
  const isFound = settings.sweepRates === null || document.sweep?.knee_request_rate !== null;
  return document.passed && isFound ? EXIT.ok : EXIT.failed;
}
