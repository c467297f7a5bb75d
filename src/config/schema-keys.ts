import * as z from 'zod';
import type { ValuePath } from './finding.ts';
import { ConfigFile } from './schema.ts';

/** The keys that may be written in the map at a path; none when no map belongs there. */
export function knownKeysAt(path: ValuePath): string[] {
  const schema = schemaAt(ConfigFile, path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** The part of the schema that describes a path. */
function schemaAt(schema: z.core.$ZodType, path: ValuePath): z.core.$ZodType | undefined {
  let current: z.core.$ZodType | undefined = withoutWrappers(schema);
  for (const step of path) {
    if (current instanceof z.ZodObject) current = current.shape[step];
    else if (current instanceof z.ZodRecord) current = current.valueType;
    else if (current instanceof z.ZodArray) current = current.element;
    else return undefined;
    if (current === undefined) return undefined;
    current = withoutWrappers(current);
  }
  return current;
}

/** Looks through defaults and options; of a union it takes the map, the only one with keys. */
function withoutWrappers(schema: z.core.$ZodType): z.core.$ZodType {
  let current = schema;
  while (
    current instanceof z.ZodOptional ||
    current instanceof z.ZodDefault ||
    current instanceof z.ZodPrefault
  ) {
    current = current.def.innerType;
  }
  if (!(current instanceof z.ZodUnion)) return current;
  return current.def.options.find((option) => option instanceof z.ZodObject) ?? current;
}
