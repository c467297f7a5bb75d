import { toBudgetView } from '../admin/budget-view.ts';
import type { DryRunView } from '../admin/dry-run-schemas.ts';
import { traitsOf } from '../core/error.ts';
import { type NanoUsd, toUsdString } from '../core/money.ts';
import type { DryOrder, DryRun } from '../gateway/dry-run.ts';
import { choiceInWords } from '../routing/choice-words.ts';
import { round } from './live-requests.ts';

/** A dry run as its document. */
export function toDryRunView({ key, route }: DryOrder, run: DryRun): DryRunView {
  const { call, model, place, waitsBehind, plan } = run;
  const refusal = toRefusalView(run);
  return {
    ...{ key_id: key.id, key_name: key.name, endpoint: route.endpoint, path: route.path },
    asked_model: call?.shape.model ?? null,
    model: model?.name ?? null,
    would: refusal !== null ? 'be_refused' : waitsBehind !== null ? 'wait' : 'be_sent',
    refusal,
    stages: run.stages.map(({ stage, verdict, words }) => ({ stage, verdict, words: [...words] })),
    call:
      call === null
        ? null
        : {
            streamed: call.shape.stream,
            body_bytes: call.bytes?.byteLength ?? 0,
            input_tokens: call.shape.inputTokens,
            max_output_tokens: call.shape.maxOutputTokens,
            answers: call.shape.choices,
          },
    limits: run.limits.map(({ waitMs, ...limit }) => ({
      ...limit,
      admits: waitMs === 0,
      wait_ms: Number.isFinite(waitMs) ? Math.ceil(waitMs) : null,
    })),
    plan:
      plan === null
        ? null
        : {
            ...{ rule: plan.rule, variant: plan.variant, session: plan.session },
            fallbacks: plan.fallbacks.map(({ cause, models }) => ({ cause, models: [...models] })),
          },
    targets: run.targets.map(toTargetView),
    hold: toHoldView(run.hold),
    budgets: run.budgets.map(({ standing, name, fits }) => ({
      ...toBudgetView(standing, name),
      fits,
    })),
    place:
      place === null
        ? null
        : {
            backend: place.target.backend,
            backend_model: place.target.model,
            reason: place.reason,
            why: choiceInWords(place.reason),
          },
    waits_behind: refusal === null ? waitsBehind : null,
    cost: toCostView(run.cost),
    sending: toSendingView(run.sending),
  };
}

function toRefusalView({ refusal }: DryRun): DryRunView['refusal'] {
  if (refusal === null) return null;
  const { stage, error } = refusal;
  return {
    stage,
    status: traitsOf(error.code).status,
    code: error.code,
    message: error.message,
    retry_after_ms: error.retryAfterMs ?? null,
  };
}

function toTargetView(each: DryRun['targets'][number]): DryRunView['targets'][number] {
  const { target, part, now, standing, isUsable, whyNot } = each;
  const ttftMs = standing?.ttftMs ?? null;
  return {
    model: target.publicModel,
    backend: target.backend,
    backend_model: target.model,
    part,
    input_per_million_usd: microUsd(target.price?.input),
    output_per_million_usd: microUsd(target.price?.output),
    state: now?.state ?? null,
    breaker: now?.breaker ?? null,
    drained: now?.isDrained ?? false,
    in_flight: standing?.inFlight ?? 0,
    places: standing?.places ?? null,
    first_token_ms: ttftMs === null ? null : round(ttftMs),
    usable: isUsable,
    why_not: whyNot,
    problem: now?.problem ?? null,
  };
}

function toHoldView(hold: DryRun['hold']): DryRunView['hold'] {
  if (hold === null) return null;
  const { nanoUsd, tokens, bound, outputLimit, isShrunk } = hold;
  return {
    usd: toUsdString(nanoUsd),
    tokens,
    output_tokens: isShrunk ? (outputLimit ?? bound.tokens) : bound.tokens,
    output_limit: outputLimit,
    shrunk: isShrunk,
  };
}

function toCostView(cost: DryRun['cost']): DryRunView['cost'] {
  if (cost === null) return null;
  const { target, inputTokens, inputNanoUsd, usual, longest, gpuHour } = cost;
  const answer = ({ outputTokens, nanoUsd }: typeof longest) => ({
    output_tokens: outputTokens,
    cost_usd: usdOrNull(nanoUsd),
  });
  return {
    backend: target.backend,
    input_tokens: inputTokens,
    input_usd: usdOrNull(inputNanoUsd),
    usual: usual === null ? null : answer(usual),
    longest: answer(longest),
    gpu_hour_usd: microUsd(gpuHour) ?? '0',
  };
}

function toSendingView(sending: DryRun['sending']): DryRunView['sending'] {
  if (sending === null) return null;
  const { sizeBytes, edits, headersRemoved, headersAdded } = sending;
  return {
    body_bytes: sizeBytes,
    edits: edits.map((edit) => ({ ...edit })),
    headers_removed: [...headersRemoved],
    headers_added: [...headersAdded],
  };
}

function usdOrNull(amount: NanoUsd | null): string | null {
  return amount === null ? null : toUsdString(amount);
}

function microUsd(micro: number | undefined): string | null {
  return micro === undefined ? null : toUsdString(BigInt(micro) * 1_000n);
}
