import * as z from 'zod';
import { Secret, Share, Text, Texts, Timeout, WebUrl } from './schema-values.ts';

const STEP = {
  waiting: z.int().min(0).max(1_000_000).optional(),
  utilisation: Share.optional(),
  for: Timeout,
  command: Texts.optional().meta({
    description:
      'Program and arguments, as a list or as one text that is split at blanks; no shell reads it; either this or webhook.',
    examples: [['/usr/local/bin/add-server']],
  }),
  timeout: Timeout.default('1m').meta({
    description: 'Longest run of the command before it is killed; default 1m.',
  }),
  webhook: z
    .strictObject({
      url: WebUrl.meta({ description: 'Where it is posted to, http or https; required.' }),
      secret: Secret.meta({
        description:
          'What it is signed with, at least 16 random characters, only as a reference; required.',
        examples: ['${env:SCALE_SECRET}'],
      }),
    })
    .optional()
    .meta({ description: 'Who is told with a signed message; either this or command.' }),
};

const Up = z.strictObject({
  ...STEP,
  waiting: STEP.waiting.meta({
    description: 'Requests in line, from which on it is too many; not looked at by default.',
  }),
  utilisation: STEP.utilisation.meta({
    description:
      'Taken part of the places, from which on it is too much; not looked at by default.',
  }),
  for: STEP.for.default('1m').meta({
    description: 'How long one of them must be so, without a break; default 1m.',
  }),
});

const Down = z.strictObject({
  ...STEP,
  waiting: STEP.waiting.meta({
    description: 'Requests in line, down from which it is few; not looked at by default.',
  }),
  utilisation: STEP.utilisation.meta({
    description:
      'Taken part of the places, down from which it is little; not looked at by default.',
  }),
  for: STEP.for.default('15m').meta({
    description: 'How long all of them must be so, without a break; default 15m.',
  }),
});

/** Who is told that more machines are wanted, or fewer. */
export const Scale = z.strictObject({
  model: Text.optional().meta({
    description: 'The model whose line and backends are looked at; either this or backend.',
  }),
  backend: Text.optional().meta({
    description: 'The backend that is looked at; either this or model.',
  }),
  up: Up.optional().meta({
    description: 'When more is wanted, and what is done; never by default.',
  }),
  down: Down.optional().meta({
    description: 'When less would do, and what is done; never by default.',
  }),
  cooldown: Timeout.default('5m').meta({
    description: 'How long nothing more is done after something was; default 5m.',
  }),
});
