import type { Answer, Call, JsonObject, StreamFrames } from '../answer.ts';
import { type Completion, createCompletion } from '../completion.ts';
import { findCount, getList, getObject, isObject } from '../fields.ts';
import { readPrompt } from '../prompt.ts';
import { pickTool, type Tool } from '../tool-call.ts';
import { renderChatUsage } from '../usage-report.ts';
import { joinSteps, type Step } from '../words.ts';
import { createErrorFrame, createUsageFrames, DONE } from './openai-frames.ts';

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
    steps: completion.choices[0]?.length ?? 0,
    choices: completion.choices.length,
    finishReason: completion.finish,
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
  const choices = completion.choices.map((steps, index) => {
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
  const usage = renderChatUsage(completion.counts, call.usageFault);
  return (
    `${renderHead(call, 'chat.completion')},"choices":[${choices.join()}]` +
    `${usage === undefined ? '' : `,"usage":${usage}`}}`
  );
}

function createFrames(call: Call, completion: Completion): StreamFrames {
  const isUsageWanted = getObject(call.body, 'stream_options')['include_usage'] === true;
  const head = `data: ${renderHead(call, 'chat.completion.chunk')}`;
  const usageNull = isUsageWanted ? ',"usage":null' : '';
  const frame = (index: number, delta: string, finish = 'null') =>
    `${head},"choices":[{"index":${index},"delta":{${delta}},"logprobs":null,` +
    `"finish_reason":${finish}}]${usageNull}}\n\n`;
  const each = (render: (steps: readonly Step[], index: number) => string) =>
    completion.choices.map(render).join('');
  return {
    opening: () => each((_, index) => frame(index, '"role":"assistant","content":""')),
    tokens: (from, to) =>
      each((steps, index) =>
        renderDeltas(
          completion,
          steps.slice(from, to),
          from === 0 ? null : (steps[from - 1] ?? null),
        )
          .map((delta) => frame(index, delta))
          .join(''),
      ),
    text: (text) => frame(0, `"content":${JSON.stringify(text)}`),
    finish: () =>
      each((_, index) => frame(index, '', `"${completion.finish}"`)) +
      (isUsageWanted
        ? createUsageFrames(
            head,
            renderChatUsage(completion.counts, call.usageFault),
            call.usageFault,
          )
        : ''),
    terminal: () => DONE,
    error: createErrorFrame,
  };
}

/** Deltas for consecutive steps: one for each run of the same kind. */
function renderDeltas(
  completion: Completion,
  steps: readonly Step[],
  before: Step | null,
): string[] {
  const deltas: string[] = [];
  let previous = before;
  for (let from = 0; from < steps.length; ) {
    const first = steps[from] as Step;
    let escaped = '';
    let to = from;
    for (; steps[to]?.kind === first.kind && steps[to]?.call === first.call; to++) {
      escaped += steps[to]?.escaped;
    }
    const isNew = previous?.kind !== first.kind || previous.call !== first.call;
    deltas.push(renderDelta(completion, first, { escaped, isNew }));
    previous = first;
    from = to;
  }
  return deltas;
}

function renderDelta(
  { calls }: Completion,
  { kind, call }: Step,
  { escaped, isNew }: { escaped: string; isNew: boolean },
): string {
  if (kind === 'text') return `"content":"${escaped}"`;
  if (kind === 'reasoning') return `"reasoning_content":"${escaped}"`;
  const { id = '', name = '' } = calls[call] ?? {};
  // Only the first delta of a call names it; clients join the rest by index.
  const identity = isNew ? `"id":"${id}","type":"function",` : '';
  const named = isNew ? `"name":${JSON.stringify(name)},` : '';
  return `"tool_calls":[{"index":${call},${identity}"function":{${named}"arguments":"${escaped}"}}]`;
}
