import type { Call, StreamFrames } from '../answer.ts';
import { type Block, type Part, partsBetween } from '../blocks.ts';
import type { Completion } from '../completion.ts';
import { createContentPart, createItem, createItems, itemId, statusOf } from './response-items.ts';

type RenderResponse = (status: string, items: readonly object[]) => string;

/**
 * The event stream of a response. Clients check its order: an item is added before its deltas,
 * every opened item is done before the end, and `sequence_number` rises by one.
 */
export function createResponseFrames(
  call: Call,
  completion: Completion,
  renderResponse: RenderResponse,
): StreamFrames {
  const { steps = [], blocks = [] } = completion.choices[0] ?? {};
  let sequence = 0;
  const event = (type: string, fields: string) =>
    `event: ${type}\ndata: {"type":"${type}","sequence_number":${sequence++},${fields}}\n\n`;
  const events = new ItemEvents(call, completion, event);
  const status = statusOf(completion);
  return {
    opening() {
      const response = `"response":${renderResponse('in_progress', [])}`;
      return event('response.created', response) + event('response.in_progress', response);
    },
    tokens: (from, to) =>
      partsBetween(steps, blocks, { from, to })
        .map((part) => events.render(part))
        .join(''),
    text: (text) =>
      event(
        'response.output_text.delta',
        `"item_id":"msg_mock${call.serial}_0","output_index":0,"content_index":0,` +
          `"delta":${JSON.stringify(text)},"logprobs":[]`,
      ),
    finish: () => '',
    terminal: () =>
      event(
        `response.${status}`,
        `"response":${renderResponse(status, createItems(call, completion))}`,
      ),
    error: (message) =>
      event('error', `"code":"server_error","message":${JSON.stringify(message)},"param":null`),
  };
}

/** The events of output items, from `added` to `done`. */
class ItemEvents {
  readonly #call: Call;
  readonly #completion: Completion;
  readonly #event: (type: string, fields: string) => string;

  constructor(call: Call, completion: Completion, event: (type: string, fields: string) => string) {
    this.#call = call;
    this.#completion = completion;
    this.#event = event;
  }

  render({ block, index, escaped, isFirst, isLast }: Part): string {
    const at = `"item_id":"${itemId(this.#call, { block, index })}","output_index":${index}`;
    const opened = isFirst ? this.#open(block, index, at) : '';
    const delta = this.#event(
      `response.${NAMES[block.kind]}.delta`,
      block.kind === 'call'
        ? `${at},"delta":"${escaped}"`
        : `${at},"content_index":0,"delta":"${escaped}"${block.kind === 'text' ? ',"logprobs":[]' : ''}`,
    );
    return opened + delta + (isLast ? this.#close(block, index, at) : '');
  }

  #open(block: Block, index: number, at: string): string {
    const item = { block, index, text: '', status: 'in_progress', isEmpty: true };
    const added = this.#event(
      'response.output_item.added',
      `"output_index":${index},"item":${JSON.stringify(createItem(this.#call, this.#completion, item))}`,
    );
    if (block.kind === 'call') return added;
    const part = JSON.stringify(createContentPart(block, ''));
    const fields = `${at},"content_index":0,"part":${part}`;
    return added + this.#event('response.content_part.added', fields);
  }

  #close(block: Block, index: number, at: string): string {
    const { steps = [] } = this.#completion.choices[0] ?? {};
    const text = steps.slice(block.from, block.to).reduce((all, step) => all + step.text, '');
    const item = { block, index, text, status: 'completed' };
    const created = JSON.stringify(createItem(this.#call, this.#completion, item));
    const itemDone = `"output_index":${index},"item":${created}`;
    return this.#closeContent(block, at, text) + this.#event('response.output_item.done', itemDone);
  }

  #closeContent(block: Block, at: string, text: string): string {
    const quoted = JSON.stringify(text);
    if (block.kind === 'call') {
      const name = JSON.stringify(this.#completion.calls[block.call]?.name);
      const fields = `${at},"name":${name},"arguments":${quoted}`;
      return this.#event('response.function_call_arguments.done', fields);
    }
    const part = JSON.stringify(createContentPart(block, text));
    const logprobs = block.kind === 'text' ? ',"logprobs":[]' : '';
    return (
      this.#event(
        `response.${NAMES[block.kind]}.done`,
        `${at},"content_index":0,"text":${quoted}${logprobs}`,
      ) + this.#event('response.content_part.done', `${at},"content_index":0,"part":${part}`)
    );
  }
}

const NAMES = {
  text: 'output_text',
  reasoning: 'reasoning_text',
  call: 'function_call_arguments',
} as const;
