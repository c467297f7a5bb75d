import type { Key } from '../core/key.ts';
import { toUsdString } from '../core/money.ts';
import { neutralText } from '../protocols/neutral-text.ts';
import { choiceInWords } from '../routing/choice-words.ts';
import { FALLBACK_CAUSES } from '../routing/fallback-cause.ts';
import type { Model } from '../routing/model-table.ts';
import type { DrySeen } from './dry-gate.ts';
import type { DryHold } from './dry-run-money.ts';
import type { Exchange } from './exchange.ts';
import type { OutputBound } from './output-bound.ts';
import type { Call } from './read.ts';
import type { Plan } from './route.ts';

/** What each stage of a dry run has decided, in words for operators. */

export function whoInWords({ id, name, user, team, tenant }: Key): string[] {
  const owners = [
    ...(user === null ? [] : [`user ${user}`]),
    ...(team === null ? [] : [`team ${team}`]),
    ...(tenant === null ? [] : [`tenant ${tenant}`]),
  ];
  const of = owners.length === 0 ? '' : `, of ${owners.join(', ')}`;
  return [`the key "${name}" (${id}) is active${of}`];
}

export function readInWords({ shape, bytes }: Call): string[] {
  const { model, stream, inputTokens, maxOutputTokens, choices } = shape;
  const asked =
    maxOutputTokens === null
      ? 'no limit of output is asked for'
      : `at most ${maxOutputTokens} tokens of output are asked for`;
  return [
    `${bytes?.byteLength ?? 0} bytes for the model "${neutralText(model, 120)}", ${stream ? 'as a stream' : 'as one answer'}`,
    `about ${inputTokens} tokens of input, estimated; ${asked}`,
    ...(choices === 1 ? [] : [`${choices} answers`]),
  ];
}

export function authorizeInWords({ route }: Exchange, key: Key) {
  return (model: Model | null): string[] => {
    const models = key.models === null ? 'every model' : key.models.join(', ');
    const endpoints = key.endpoints === null ? 'every endpoint' : key.endpoints.join(', ');
    return [
      `the endpoint is ${route.endpoint}; the key may use ${endpoints}`,
      `the model is ${model?.name ?? 'none'}; the key may use ${models}`,
    ];
  };
}

export function limitInWords(seen: DrySeen) {
  return (): string[] => {
    const count = seen.limits?.limits.length ?? 0;
    if (count === 0) return ['no limit applies'];
    const limits = count === 1 ? '1 limit applies' : `${count} limits apply`;
    return [`${limits}; 1 request and ${seen.chargedTokens} tokens are charged`];
  };
}

/** The notes of the stage tell of rules and variants. */
export function routeInWords({ choice, fallbacks }: Plan): string[] {
  const { targets, rule, variant, session, shadow, model, labels } = choice;
  const backends = [...new Set(targets.map(({ backend }) => backend))].join(', ');
  const whose = rule === null && variant === null ? `the targets of ${model.name}` : 'its targets';
  return [
    targets.length === 0 ? 'none of its own targets may answer' : `${whose}: ${backends}`,
    ...(session === null ? [] : [`it belongs to the session "${neutralText(session, 60)}"`]),
    ...(labels.length === 0 ? [] : [`only backends labelled ${labels.join(', ')}`]),
    ...(shadow === null ? [] : [`a copy may go to ${shadow.backend}`]),
    ...FALLBACK_CAUSES.flatMap((cause) => {
      const names = fallbacks[cause].map((spare) => spare.model.name);
      return names.length === 0 ? [] : [`when ${CAUSES[cause]}: ${names.join(', then ')}`];
    }),
  ];
}

const CAUSES = {
  unavailable: 'nothing can answer',
  rate_limited: 'all of them limit it',
  context: 'it is too long',
  refused: 'its content is refused',
  budget: 'the money is gone',
} as const;

const BOUNDS: Readonly<Record<OutputBound['by'], string>> = {
  request: 'as the request asks',
  key: 'as the key allows',
  model: 'as the model allows',
  context: 'the context of the model',
  assumed: 'assumed, as nobody says',
};

export function holdInWords(hold: DryHold): string[] {
  const { nanoUsd, tokens, bound, choices, outputLimit, isShrunk, budgets, producesText } = hold;
  const each = choices === 1 ? '' : ` for each of ${choices} answers`;
  const output = isShrunk ? (outputLimit ?? 0) : bound.tokens;
  const why = isShrunk ? 'shortened to what the budgets leave' : BOUNDS[bound.by];
  return [
    `$${toUsdString(nanoUsd)} and ${tokens} tokens are held until it ends, its dearest outcome`,
    ...(producesText ? [`with up to ${output} tokens of output${each} (${why})`] : []),
    ...(outputLimit === null ? [] : [`backends are told to stop at ${outputLimit} tokens`]),
    ...(budgets.length === 0 ? ['no budget applies'] : []),
  ];
}

export function queueInWords({ generation }: Exchange, { peeks }: DrySeen) {
  return (): string[] => {
    const last = peeks.at(-1);
    if (last === undefined) return [];
    const { job, peek } = last;
    const balance = `balance: ${job.balance}`;
    if (peek.kind === 'place') {
      const why = choiceInWords(peek.reason);
      return [`a place at ${peek.target.backend} now: ${why} (${balance})`];
    }
    const before = peek.kind === 'line' ? peek.before : 0;
    const seconds = generation.queue.maxWaitMs / 1_000;
    return [`no place is free: it waits up to ${seconds} s, ${before} before it (${balance})`];
  };
}
