import { createStep, type Step, WORDS } from './words.ts';

/** A tool that the caller offers, in the words of no protocol. */
export interface Tool {
  readonly name: string;
  /** JSON Schema of its arguments. */
  readonly schema: unknown;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

const MAGIC_WORDS = /\buse the tool\b/i;
const FRAGMENT_CHARACTERS = 8;

/**
 * The tool to call, if the mock calls one: the one named by `choice`, or the first when a call is
 * required or the last message contains "use the tool".
 */
export function pickTool(
  tools: readonly Tool[],
  choice: { required: boolean; name: string | null; forbidden: boolean },
  lastText: string,
): Tool | undefined {
  if (choice.forbidden) return undefined;
  if (choice.name !== null) return tools.find(({ name }) => name === choice.name) ?? tools[0];
  return choice.required || MAGIC_WORDS.test(lastText) ? tools[0] : undefined;
}

/** `count` calls of `tool`, their arguments made to fit its schema. */
export function createToolCalls(tool: Tool, count: number, seed: number): ToolCall[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `call_mock${((seed + i) >>> 0).toString(16).padStart(8, '0')}`,
    name: tool.name,
    arguments: JSON.stringify(sampleOf(tool.schema, seed + i, 0) ?? {}),
  }));
}

/** The fragments in which the arguments of one call are streamed, one token each. */
export function addFragments(steps: Step[], call: ToolCall, index: number): void {
  for (let from = 0; from < call.arguments.length; from += FRAGMENT_CHARACTERS) {
    const text = call.arguments.slice(from, from + FRAGMENT_CHARACTERS);
    steps.push(createStep('call', text, index));
  }
}

/** A value for a JSON Schema: enough for callers that check the arguments they get. */
function sampleOf(schema: unknown, seed: number, depth: number): unknown {
  if (typeof schema !== 'object' || schema === null || depth > 6) return null;
  const { type, enum: choices, properties, items } = schema as Record<string, unknown>;
  if (Array.isArray(choices)) return choices[0];
  switch (Array.isArray(type) ? type[0] : type) {
    case 'string':
      return WORDS[(seed + depth) % WORDS.length];
    case 'integer':
    case 'number':
      return (seed % 90) + 10;
    case 'boolean':
      return true;
    case 'array':
      return [sampleOf(items, seed, depth + 1)];
    case 'null':
      return null;
  }
  if (typeof properties !== 'object' || properties === null) return {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, property], i) => [
      name,
      sampleOf(property, seed + i, depth + 1),
    ]),
  );
}
