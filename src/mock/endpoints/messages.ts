import type { Answer, Call, JsonObject, StreamFrames } from '../answer.ts';
import { type Part, partsBetween } from '../blocks.ts';
import { type Choice, type Completion, createCompletion } from '../completion.ts';
import { findCount, getList, getObject, isObject } from '../fields.ts';
import { type Prompt, readPrompt } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';
import type { TokenCounts } from '../token-counts.ts';
import { pickTool, type Tool } from '../tool-call.ts';
import { renderUsage } from '../usage-report.ts';
import { joinSteps } from '../words.ts';

const SIGNATURE = Buffer.from('mock thinking signature').toString('base64');
const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const;
const DELTAS = {
  text: { type: 'text_delta', field: 'text' },
  reasoning: { type: 'thinking_delta', field: 'thinking' },
  call: { type: 'input_json_delta', field: 'partial_json' },
} as const;
const NOTHING: Choice = { steps: [], blocks: [] };

/** `POST /v1/messages`, Anthropic's protocol. */
export function answerMessages(call: Call): Answer {
  const { body, behaviour } = call;
  const prompt = readMessages(call);
  const maxTokens = findCount(body, 'max_tokens');
  if (maxTokens === null) throw createBadRequest('max_tokens: Field required', 'max_tokens');
  const completion = createCompletion(call, {
    prompt,
    maxTokens,
    isExact: false,
    choices: 1,
    tool: behaviour.toolCalls === 0 ? undefined : findTool(body, prompt.lastText),
  });
  const isStream = body['stream'] === true;
  return {
    contentType: isStream ? 'text/event-stream; charset=utf-8' : 'application/json',
    counts: toCounts(completion),
    usageIn: isStream ? 'finish' : 'body',
    steps: completion.steps,
    choices: 1,
    finishReason: completion.finish,
    isFree: false,
    whole: () => renderWhole(call, completion),
    stream: isStream ? createFrames(call, completion) : null,
  };
}

/** The prompt of a request to `/v1/messages` or its `count_tokens`. Throws `Refusal`. */
export function readMessages({ body, seed }: Call): Prompt {
  return readPrompt([body['system'], getList(body, 'messages')], seed);
}

function findTool(body: JsonObject, lastText: string): Tool | undefined {
  const tools = (Array.isArray(body['tools']) ? body['tools'] : [])
    .filter(isObject)
    .map((tool) => ({ name: String(tool['name']), schema: tool['input_schema'] }));
  const { type, name } = getObject(body, 'tool_choice');
  return pickTool(
    tools,
    {
      required: type === 'any',
      forbidden: type === 'none',
      name: type === 'tool' && typeof name === 'string' ? name : null,
    },
    lastText,
  );
}

/** The protocol has no words for sound and pictures. */
function toCounts({ counts }: Completion): TokenCounts {
  return { ...counts, audioInput: 0, imageInput: 0, audioOutput: 0, imageOutput: 0 };
}

/** Anthropic's `input_tokens` leaves out what came from the cache or went into it. */
function toUsage({ prompt, cached, cacheWrite, completion, reasoning }: TokenCounts): object {
  const forAnHour = cacheWrite >> 1;
  return {
    input_tokens: prompt - cached - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cached,
    ...(cacheWrite > 0 && {
      cache_creation: {
        ephemeral_5m_input_tokens: cacheWrite - forAnHour,
        ephemeral_1h_input_tokens: forAnHour,
      },
    }),
    output_tokens: completion,
    ...(reasoning > 0 && { output_tokens_details: { thinking_tokens: reasoning } }),
    service_tier: 'standard',
  };
}

function renderWhole(call: Call, completion: Completion): string {
  const [{ steps, blocks } = NOTHING] = completion.choices;
  const content = blocks.map(({ kind, call: index }) => {
    const text = joinSteps(steps, kind, index);
    if (kind === 'text') return { type: 'text', text, citations: null };
    if (kind === 'reasoning') return { type: 'thinking', thinking: text, signature: SIGNATURE };
    const { id, name } = completion.calls[index] ?? {};
    return { type: 'tool_use', id, name, input: parseArguments(text) };
  });
  const usage = renderUsage(toUsage(completion.counts), call.usageFault);
  return (
    `${renderHead(call)},"content":${JSON.stringify(content)},` +
    `"stop_reason":"${STOP_REASONS[completion.finish]}","stop_sequence":null` +
    `${usage === undefined ? '' : `,"usage":${usage}`}}`
  );
}

/** Arguments that `max_tokens` has cut are no JSON any more. */
function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function renderHead(call: Call): string {
  return `{"id":"msg_mock${call.serial}","type":"message","role":"assistant","model":${JSON.stringify(call.model)}`;
}

function createFrames(call: Call, completion: Completion): StreamFrames {
  const [{ steps, blocks } = NOTHING] = completion.choices;
  const { counts, finish } = completion;
  // What is known before the first token; the final count comes with `message_delta`.
  const before = renderUsage(toUsage({ ...counts, completion: 0, reasoning: 0 }), call.usageFault);
  return {
    opening: () =>
      event(
        'message_start',
        `"message":${renderHead(call)},"content":[],"stop_reason":null,"stop_sequence":null` +
          `${before === undefined ? '' : `,"usage":${before}`}}`,
      ) + event('ping', ''),
    tokens: (from, to) =>
      partsBetween(steps, blocks, { from, to })
        .map((part) => renderPart(completion, part))
        .join(''),
    text: (text) =>
      event(
        'content_block_delta',
        `"index":0,"delta":{"type":"text_delta","text":${JSON.stringify(text)}}`,
      ),
    finish() {
      const usage = renderUsage(toUsage(counts), call.usageFault);
      return event(
        'message_delta',
        `"delta":{"stop_reason":"${STOP_REASONS[finish]}","stop_sequence":null}` +
          `${usage === undefined ? '' : `,"usage":${usage}`}`,
      );
    },
    terminal: () => event('message_stop', ''),
    error: (message) =>
      event('error', `"error":{"type":"api_error","message":${JSON.stringify(message)}}`),
  };
}

function renderPart(completion: Completion, part: Part): string {
  const { block, index, escaped } = part;
  let text = '';
  if (part.isFirst) {
    const start = JSON.stringify(createEmptyBlock(completion, block));
    text += event('content_block_start', `"index":${index},"content_block":${start}`);
  }
  const { type, field } = DELTAS[block.kind];
  text += event(
    'content_block_delta',
    `"index":${index},"delta":{"type":"${type}","${field}":"${escaped}"}`,
  );
  if (!part.isLast) return text;
  if (block.kind === 'reasoning') {
    const signature = `{"type":"signature_delta","signature":"${SIGNATURE}"}`;
    text += event('content_block_delta', `"index":${index},"delta":${signature}`);
  }
  return text + event('content_block_stop', `"index":${index}`);
}

function createEmptyBlock({ calls }: Completion, { kind, call }: Part['block']): object {
  if (kind === 'text') return { type: 'text', text: '' };
  if (kind === 'reasoning') return { type: 'thinking', thinking: '', signature: '' };
  const { id, name } = calls[call] ?? {};
  return { type: 'tool_use', id, name, input: {} };
}

/** Anthropic's clients drop events without an `event:` line. */
function event(type: string, fields: string): string {
  return `event: ${type}\ndata: {"type":"${type}"${fields === '' ? '' : `,${fields}`}}\n\n`;
}
