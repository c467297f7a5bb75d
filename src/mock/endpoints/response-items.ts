import type { Call } from '../answer.ts';
import type { Block } from '../blocks.ts';
import type { Completion } from '../completion.ts';

/** One output item of a response, in the state that it has when its block is `text` so far. */
export function createItem(
  call: Call,
  { calls }: Completion,
  item: { block: Block; index: number; text: string; status: string; isEmpty?: boolean },
): object {
  const { block, text, status } = item;
  const id = itemId(call, item);
  if (block.kind === 'call') {
    const { id: callId, name } = calls[block.call] ?? {};
    return { id, type: 'function_call', call_id: callId, name, arguments: text, status };
  }
  const content = item.isEmpty === true ? [] : [createContentPart(block, text)];
  if (block.kind === 'reasoning') return { id, type: 'reasoning', summary: [], content, status };
  return { id, type: 'message', role: 'assistant', status, content };
}

const PREFIXES = { text: 'msg', reasoning: 'rs', call: 'fc' } as const;

export function itemId(call: Call, item: { block: Block; index: number }): string {
  return `${PREFIXES[item.block.kind]}_mock${call.serial}_${item.index}`;
}

/** The one content part of a message or of a chain of thought. */
export function createContentPart({ kind }: Block, text: string): object {
  if (kind === 'reasoning') return { type: 'reasoning_text', text };
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

/** All items of the finished answer. */
export function createItems(call: Call, completion: Completion): object[] {
  const { steps = [], blocks = [] } = completion.choices[0] ?? {};
  return blocks.map((block, index) => {
    const text = steps.slice(block.from, block.to).reduce((all, step) => all + step.text, '');
    return createItem(call, completion, { block, index, text, status: 'completed' });
  });
}

/** What the finished response says of itself. */
export function statusOf({ finish }: Completion): 'completed' | 'incomplete' {
  return finish === 'length' ? 'incomplete' : 'completed';
}
