import type { Answer, Call, JsonObject } from '../answer.ts';
import { type Completion, createCompletion } from '../completion.ts';
import { findCount, isObject } from '../fields.ts';
import { type Prompt, readPrompt } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';
import { pickTool, type Tool } from '../tool-call.ts';
import { outputDetails, promptDetails, renderUsage } from '../usage-report.ts';
import { createResponseFrames } from './response-frames.ts';
import { createItems, statusOf } from './response-items.ts';

/** `POST /v1/responses`. */
export function answerResponses(call: Call): Answer {
  const { body, behaviour } = call;
  const prompt = readInput(call);
  const completion = createCompletion(call, {
    prompt,
    maxTokens: findCount(body, 'max_output_tokens'),
    isExact: false,
    choices: 1,
    tool: behaviour.toolCalls === 0 ? undefined : findTool(body, prompt.lastText),
  });
  const isStream = body['stream'] === true;
  const render = (status: string, items: readonly object[]) =>
    renderResponse(call, completion, { status, items });
  return {
    contentType: isStream ? 'text/event-stream; charset=utf-8' : 'application/json',
    counts: completion.counts,
    usageIn: isStream ? 'terminal' : 'body',
    steps: completion.steps,
    choices: 1,
    finishReason: completion.finish,
    isFree: false,
    whole: () => render(statusOf(completion), createItems(call, completion)),
    stream: isStream ? createResponseFrames(call, completion, render) : null,
  };
}

function readInput({ body, seed }: Call): Prompt {
  const { input, instructions } = body;
  if (input === undefined || input === null) throw createBadRequest('input is missing.', 'input');
  return readPrompt([instructions, input], seed);
}

function findTool(body: JsonObject, lastText: string): Tool | undefined {
  const tools = (Array.isArray(body['tools']) ? body['tools'] : [])
    .filter((tool): tool is JsonObject => isObject(tool) && tool['type'] === 'function')
    .map((tool) => ({ name: String(tool['name']), schema: tool['parameters'] }));
  const choice = body['tool_choice'];
  const name = isObject(choice) ? choice['name'] : null;
  return pickTool(
    tools,
    {
      required: choice === 'required',
      forbidden: choice === 'none',
      name: typeof name === 'string' ? name : null,
    },
    lastText,
  );
}

/** The response object with everything that OpenAI's clients require of it. */
function renderResponse(
  call: Call,
  completion: Completion,
  { status, items }: { status: string; items: readonly object[] },
): string {
  const { body, createdSeconds, model, serial } = call;
  const { counts } = completion;
  const isEnded = status === 'completed' || status === 'incomplete';
  const usage = isEnded
    ? renderUsage(
        {
          input_tokens: counts.prompt,
          input_tokens_details: {
            cached_tokens: counts.cached,
            cache_write_tokens: 0,
            ...promptDetails(counts),
          },
          output_tokens: counts.completion,
          output_tokens_details: { reasoning_tokens: counts.reasoning, ...outputDetails(counts) },
          total_tokens: counts.prompt + counts.completion,
        },
        call.usageFault,
      )
    : 'null';
  const response = JSON.stringify({
    id: `resp_mock${serial}`,
    object: 'response',
    created_at: createdSeconds,
    status,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    metadata: body['metadata'] ?? {},
    model,
    output: items,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: body['temperature'] ?? 1,
    text: { format: { type: 'text' } },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: body['tools'] ?? [],
    top_p: body['top_p'] ?? 1,
    truncation: 'disabled',
  });
  return usage === undefined ? response : `${response.slice(0, -1)},"usage":${usage}}`;
}
