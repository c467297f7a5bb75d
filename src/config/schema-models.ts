import * as z from 'zod';
import { ROUTING } from './schema-routing.ts';
import { Price, Target } from './schema-targets.ts';
import { Text, Tokens } from './schema-values.ts';

export const Model = z.strictObject({
  targets: z.array(Target).meta({
    minItems: 1,
    description:
      'Where requests for the model go, chosen by balance: a backend id, or a backend and the model name there; required.',
  }),
  aliases: z.array(Text).default([]).meta({
    description: 'Other names callers may use for the model; none by default.',
  }),
  price: Price.optional().meta({
    description:
      'What the model costs; without it the cost is unknown, and unpriced_models decides.',
  }),
  context_tokens: Tokens.optional().meta({
    description: 'Longest input plus output in tokens; unknown by default, so not checked.',
  }),
  max_output_tokens: Tokens.optional().meta({
    description:
      'Most output tokens of one answer, reserved against budgets when the caller names no limit; unknown by default.',
  }),
  ...ROUTING,
});
