import type { Command } from 'commander';
import type { ModelView } from '../admin/gateway-schemas.ts';
import { addAccessOptions, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { NOTHING, renderFields } from './table.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate models list
  llmgate models show llama-3.3-70b
`;

type Flags = AccessFlags & OutputOptions;

/** Models exist in a running gateway only: some are discovered, and none is stored. */
export function addModelsCommand(program: Command, io: CliIo): void {
  const models = program
    .command('models')
    .description('models that callers can name')
    .addHelpText('before', EXAMPLE);
  const list = models
    .command('list')
    .description('all models of the running gateway')
    .addHelpText('before', 'Example:\n  llmgate models list --json\n');
  addOutputOptions(addAccessOptions(list)).action(async (flags: Flags) => {
    await printReport(io, flags, toListReport(await fetchModels(flags, io)));
  });
  const show = models
    .command('show')
    .description('one model: where it goes and what it costs')
    .addHelpText('before', 'Example:\n  llmgate models show llama-3.3-70b\n')
    .argument('<model>', 'name or alias of the model');
  addOutputOptions(addAccessOptions(show)).action(async (name: string, flags: Flags) => {
    const found = (await fetchModels(flags, io)).find(
      (model) => model.name === name || model.aliases.includes(name),
    );
    if (found === undefined) {
      throw new CliError(`there is no model "${toVisibleText(name)}"`, EXIT.notFound);
    }
    await printReport(io, flags, toReport(found));
  });
}

function fetchModels(flags: Flags, io: CliIo): Promise<ModelView[]> {
  return withOperations(io, { ...flags, need: 'gateway' }, (operations) => operations.models());
}

function toListReport(models: readonly ModelView[]): Report {
  return {
    document: { models },
    rows: models.map(withPlainTargets),
    columns: ['name', 'aliases', 'source', 'targets'],
    human: {
      columns: [
        { title: 'MODEL' },
        { title: 'ALIASES', optional: true },
        { title: 'TARGETS' },
        { title: 'IN $/M', align: 'right' },
        { title: 'OUT $/M', align: 'right' },
        { title: 'CONTEXT', align: 'right', optional: true },
      ],
      rows: models.map((model) => [
        model.name,
        model.aliases.join(', ') || NOTHING,
        toTargets(model),
        model.price?.input_per_million_usd ?? NOTHING,
        model.price?.output_per_million_usd ?? NOTHING,
        model.context_tokens === null ? NOTHING : String(model.context_tokens),
      ]),
    },
    emptyHint: 'No models yet: no backend has told any, and none is configured.',
  };
}

function toReport(model: ModelView): Report {
  const { price } = model;
  return {
    document: model,
    rows: [withPlainTargets(model)],
    human: renderFields([
      ['name', model.name],
      ['aliases', model.aliases.join(', ') || 'none'],
      ['source', model.source],
      ['targets', toTargets(model)],
      ['input', toRate(price?.input_per_million_usd)],
      ['cached input', toRate(price?.cached_input_per_million_usd)],
      ['cache write', toRate(price?.cache_write_per_million_usd)],
      ['output', toRate(price?.output_per_million_usd)],
      ['reasoning', toRate(price?.reasoning_per_million_usd)],
      ...(price === null || price.gpu_hour_usd === '0'
        ? []
        : [['GPU time', `$${price.gpu_hour_usd} per hour`] as const]),
      ...(price?.tiers ?? []).map(toTierField),
      ['context', toTokens(model.context_tokens)],
      ['max output', toTokens(model.max_output_tokens)],
    ]),
  };
}

function toTierField(tier: NonNullable<ModelView['price']>['tiers'][number]): [string, string] {
  const { above_input_tokens: above, input_per_million_usd, output_per_million_usd } = tier;
  const rates = `input ${toRate(input_per_million_usd)}, output ${toRate(output_per_million_usd)}`;
  return [`above ${above}`, rates];
}

/** `gpu0, cloud/gpt-5-mini`: the model is said where it has another name there. */
function toTargets({ name, targets }: ModelView): string {
  return targets
    .map(({ backend, model }) => (model === name ? backend : `${backend}/${model}`))
    .join(', ');
}

/** A CSV cell holds text, and a list of objects is none. */
function withPlainTargets(model: ModelView): Record<string, unknown> {
  return { ...model, targets: model.targets.map(({ backend, model: at }) => `${backend}/${at}`) };
}

function toRate(usdPerMillion: string | undefined): string {
  return usdPerMillion === undefined ? 'no price' : `$${usdPerMillion} per million tokens`;
}

function toTokens(count: number | null): string {
  return count === null ? 'not known' : `${count} tokens`;
}
