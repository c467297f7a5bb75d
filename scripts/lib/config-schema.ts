import * as z from 'zod';
import { ConfigFile } from '../../src/config/schema.ts';

/** The parts of JSON Schema that the configuration uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly required?: readonly string[];
}

/** JSON Schema of what may be written in the file: for editors, and the source of the reference. */
export function createConfigSchema(): JsonSchema {
  const schema = z.toJSONSchema(ConfigFile, { io: 'input' });
  return { ...schema, title: 'llmgate configuration' } as JsonSchema;
}

export function renderConfigSchema(): string {
  return `${JSON.stringify(createConfigSchema(), null, 2)}\n`;
}
