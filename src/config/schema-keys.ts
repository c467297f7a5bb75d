import * as z from 'zod';
import type { ValuePath } from './finding.ts';
import { at, itemsOf } from './raw.ts';
import { ConfigFile } from './schema.ts';

/** The keys that may be written in the map at a path of a file; none when no map belongs there. */
export function knownKeysAt(path: ValuePath, root: unknown): string[] {
  const schema = schemaAt(ConfigFile, path, root);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** The part of the schema that describes a path. */
function schemaAt(
  schema: z.core.$ZodType,
  path: ValuePath,
  root: unknown,
): z.core.$ZodType | undefined {
  let value = root;
  let current: z.core.$ZodType | undefined = withoutWrappers(schema, value);
  for (const step of path) {
    if (current instanceof z.ZodObject) current = current.shape[step];
    else if (current instanceof z.ZodRecord) current = current.valueType;
    else if (current instanceof z.ZodArray) current = current.element;
    else return undefined;
    if (current === undefined) return undefined;
    value = typeof step === 'number' ? itemsOf(value)[step] : at(value, step);
    current = withoutWrappers(current, value);
  }
  return current;
}

/** Looks through defaults and options; of a union it takes the map that the value is meant as. */
function withoutWrappers(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  let current = schema;
  while (
    current instanceof z.ZodOptional ||
    current instanceof z.ZodDefault ||
    current instanceof z.ZodPrefault
  ) {
    current = current.def.innerType;
  }
  if (!(current instanceof z.ZodUnion)) return current;
  const maps = current.def.options.filter((option) => option instanceof z.ZodObject);
  const meant = maps.find(({ shape }) => shape['type']?.safeParse(at(value, 'type')).success);
  return meant ?? maps[0] ?? current;
}
