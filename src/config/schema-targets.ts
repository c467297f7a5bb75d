import * as z from 'zod';
import { Text, Tokens, Usd, Weight } from './schema-values.ts';

/** What tokens cost that are not plain text. The same for a price and for each of its tiers. */
const PARTS = {
  cached_input: Usd.optional().meta({
    description: 'USD per million input tokens read from the backend’s cache; defaults to input.',
  }),
  cache_write: Usd.optional().meta({
    description: 'USD per million input tokens written to the backend’s cache; defaults to input.',
  }),
  reasoning: Usd.optional().meta({
    description: 'USD per million reasoning tokens; defaults to output.',
  }),
  audio_input: Usd.optional().meta({
    description: 'USD per million audio input tokens; defaults to input.',
  }),
  audio_output: Usd.optional().meta({
    description: 'USD per million audio output tokens; defaults to output.',
  }),
  image_input: Usd.optional().meta({
    description: 'USD per million image input tokens; defaults to input.',
  }),
  image_output: Usd.optional().meta({
    description: 'USD per million image output tokens; defaults to output.',
  }),
};

const Tier = z.strictObject({
  above: Tokens.meta({
    description: 'Counts for requests whose input is longer than this many tokens; required.',
    examples: [200_000],
  }),
  input: Usd.meta({ description: 'USD per million input tokens in this tier; required.' }),
  output: Usd.meta({ description: 'USD per million output tokens in this tier; required.' }),
  ...PARTS,
});

export const Price = z.strictObject({
  input: Usd.optional().meta({
    description: 'USD per million input tokens; required, but 0 when gpu_hour is given.',
  }),
  output: Usd.optional().meta({
    description: 'USD per million output tokens; required, but 0 when gpu_hour is given.',
  }),
  ...PARTS,
  tiers: z.array(Tier).default([]).meta({
    description:
      'Other prices for all tokens of a request with a long input, shortest first; none by default.',
  }),
  gpu_hour: Usd.optional().meta({
    description:
      'USD per hour of one GPU behind the model: the seconds an answer takes cost money, shared among those that run at once; free by default.',
    examples: [2.5],
  }),
  gpus: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({
      description: 'How many GPUs the hour is paid for; only with gpu_hour, default 1.',
      examples: [4],
    }),
});

/** One place that can answer for a model. */
export const Target = z.union([
  Text,
  z.strictObject({
    backend: Text.meta({ description: 'Id of the backend to send the request to; required.' }),
    model: Text.optional().meta({
      description: 'Name of the model on that backend; defaults to the name it has here.',
    }),
    price: Price.optional().meta({
      description: 'What the model costs on that backend; defaults to the price of the model.',
    }),
    weight: Weight.optional().meta({
      description: 'Share beside the other targets; defaults to the weight of the backend.',
    }),
  }),
]);
