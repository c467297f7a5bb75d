import { z } from 'zod';
import { LOG_LEVELS, LOG_SUBSYSTEMS } from '../observe/log-levels.ts';

const Level = z.enum(LOG_LEVELS);
const Subsystem = z.enum(LOG_SUBSYSTEMS);

export const LogLevelsView = z
  .object({
    level: Level.meta({ description: 'Least important lines that are written.' }),
    levels: z.partialRecord(Subsystem, Level).meta({ description: 'Where another one holds.' }),
  })
  .meta({ id: 'LogLevels' });
export type LogLevelsView = z.infer<typeof LogLevelsView>;

export const LogLevelChange = z
  .strictObject({
    level: Level.optional(),
    levels: z
      .partialRecord(Subsystem, Level.nullable())
      .optional()
      .meta({ description: 'null: the level of everything holds there again.' }),
  })
  .meta({ id: 'LogLevelChange' });
export type LogLevelChange = z.infer<typeof LogLevelChange>;
