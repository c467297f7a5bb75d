import type { Answer, Call, JsonObject, StreamFrames } from '../answer.ts';
import { type Part, partsBetween } from '../blocks.ts';
import { type Choice, type Completion, createCompletion } from '../completion.ts';
import { findCount, getList, getObject, isObject } from '../fields.ts';
import { readPrompt } from '../prompt.ts';
import { pickTool, type Tool } from '../tool-call.ts';
import { renderChatUsage } from '../usage-report.ts';
import { joinSteps } from '../words.ts';
import {
  createErrorFrame,
  createUsageFrames,
  DONE,
  isUsageWantedIn,
  usageInOf,
} from './openai-frames.ts';

const MAX_CHOICES = 128;

/** `POST /v1/chat/completions`. */
export function answerChat(call: Call): Answer {
  const { body, behaviour } = call;
  const prompt = readPrompt(getList(body, 'messages'), call.seed);
  const completion = createCompletion(call, {
    prompt,
    maxTokens: findCount(body, 'max_completion_tokens', 'max_tokens'),
    isExact: body['ignore_eos'] === true,
    choices: Math.min(findCount(body, 'n') ?? 1, MAX_CHOICES),
    tool: behaviour.toolCalls === 0 ? undefined : findTool(body, prompt.lastText),
  });
  return {
    contentType: body['stream'] === true ? 'text/event-stream; charset=utf-8' : 'application/json',
    counts: completion.counts,
    usageIn: usageInOf(body),
    steps: completion.steps,
    choices: completion.choices.length,
    finishReason: completion.finish,
    isFree: false,
    whole: () => renderWhole(call, completion),
    stream: body['stream'] === true ? createFrames(call, completion) : null,
  };
}

function findTool(body: JsonObject, lastText: string): ReturnType<typeof pickTool> {
  const tools: Tool[] = [];
  for (const tool of Array.isArray(body['tools']) ? body['tools'] : []) {
    const described = isObject(tool) ? getObject(tool, 'function') : {};
    if (typeof described['name'] === 'string') {
      tools.push({ name: described['name'], schema: described['parameters'] });
    }
  }
  const choice = body['tool_choice'];
  const named = isObject(choice) ? getObject(choice, 'function')['name'] : undefined;
  const name = typeof named === 'string' ? named : null;
  return pickTool(
    tools,
    { required: choice === 'required', forbidden: choice === 'none', name },
    lastText,
  );
}

function renderHead(call: Call, object: string): string {
  return (
    `{"id":"chatcmpl-mock${call.serial}","object":"${object}","created":${call.createdSeconds},` +
    `"model":${JSON.stringify(call.model)}`
  );
}

function renderWhole(call: Call, completion: Completion): string {
  const choices = completion.choices.map(({ steps }, index) => {
    const reasoning = joinSteps(steps, 'reasoning');
    const calls = completion.calls
      .map(({ id, name }, at) => ({
        id,
        type: 'function',
        function: { name, arguments: joinSteps(steps, 'call', at) },
      }))
      .filter((toolCall) => toolCall.function.arguments !== '');
    const message =
      `{"role":"assistant","content":${calls.length > 0 ? 'null' : JSON.stringify(joinSteps(steps, 'text'))}` +
      `,"refusal":null${reasoning === '' ? '' : `,"reasoning_content":${JSON.stringify(reasoning)}`}` +
      `${calls.length === 0 ? '' : `,"tool_calls":${JSON.stringify(calls)}`}}`;
    return `{"index":${index},"message":${message},"logprobs":null,"finish_reason":"${completion.finish}"}`;
  });
  const usage = renderChatUsage(completion.counts, call.behaviour.usageStyle, call.usageFault);
  return (
    `${renderHead(call, 'chat.completion')},"choices":[${choices.join()}]` +
    `${usage === undefined ? '' : `,"usage":${usage}`}}`
  );
}

function createFrames(call: Call, completion: Completion): StreamFrames {
  const isUsageWanted = isUsageWantedIn(call.body);
  const head = `data: ${renderHead(call, 'chat.completion.chunk')}`;
  const usageNull = isUsageWanted ? ',"usage":null' : '';
  const frame = (index: number, delta: string, finish = 'null') =>
    `${head},"choices":[{"index":${index},"delta":{${delta}},"logprobs":null,` +
    `"finish_reason":${finish}}]${usageNull}}\n\n`;
  const usage = () =>
    renderChatUsage(completion.counts, call.behaviour.usageStyle, call.usageFault);
  const each = (render: (choice: Choice, index: number) => string) =>
    completion.choices.map(render).join('');
  return {
    opening: () => each((_, index) => frame(index, '"role":"assistant","content":""')),
    tokens: (from, to) =>
      each(({ steps, blocks }, index) =>
        partsBetween(steps, blocks, { from, to })
          .map((part) => frame(index, renderDelta(completion, part)))
          .join(''),
      ),
    text: (text) => frame(0, `"content":${JSON.stringify(text)}`),
    finish: () =>
      each((_, index) => frame(index, '', `"${completion.finish}"`)) +
      (isUsageWanted ? createUsageFrames(head, usage(), call.usageFault) : ''),
    terminal: () => DONE,
    error: createErrorFrame,
  };
}

function renderDelta({ calls }: Completion, { block, escaped, isFirst }: Part): string {
  if (block.kind === 'text') return `"content":"${escaped}"`;
  if (block.kind === 'reasoning') return `"reasoning_content":"${escaped}"`;
  const { id = '', name = '' } = calls[block.call] ?? {};
  // Only the first delta of a call names it; clients join the rest by index.
  const identity = isFirst ? `"id":"${id}","type":"function",` : '';
  const named = isFirst ? `"name":${JSON.stringify(name)},` : '';
  return (
    `"tool_calls":[{"index":${block.call},${identity}` +
    `"function":{${named}"arguments":"${escaped}"}}]`
  );
}
