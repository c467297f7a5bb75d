import type { Answer, Call, StreamFrames } from '../answer.ts';
import { type Completion, createCompletion } from '../completion.ts';
import { findCount } from '../fields.ts';
import { readPrompt } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';
import { renderChatUsage } from '../usage-report.ts';
import { joinSteps } from '../words.ts';
import {
  createErrorFrame,
  createUsageFrames,
  DONE,
  isUsageWantedIn,
  usageInOf,
} from './openai-frames.ts';

/** vLLM's own default; the chat endpoint has none. */
const DEFAULT_MAX_TOKENS = 16;
const MAX_CHOICES = 128;

/** `POST /v1/completions`, the older protocol without roles. */
export function answerCompletions(call: Call): Answer {
  const { body } = call;
  const { prompt } = body;
  if (prompt === undefined || prompt === null)
    throw createBadRequest('prompt is missing.', 'prompt');
  const isStream = body['stream'] === true;
  const completion = createCompletion(call, {
    prompt: readPrompt([prompt], call.seed),
    maxTokens: findCount(body, 'max_tokens') ?? DEFAULT_MAX_TOKENS,
    isExact: body['ignore_eos'] === true,
    choices: Math.min(findCount(body, 'n') ?? 1, MAX_CHOICES),
    tool: undefined,
  });
  return {
    contentType: isStream ? 'text/event-stream; charset=utf-8' : 'application/json',
    counts: completion.counts,
    usageIn: usageInOf(body),
    steps: completion.steps,
    choices: completion.choices.length,
    finishReason: completion.finish,
    isFree: false,
    whole: () => renderWhole(call, completion),
    stream: isStream ? createFrames(call, completion) : null,
  };
}

function renderHead(call: Call): string {
  return (
    `{"id":"cmpl-mock${call.serial}","object":"text_completion","created":${call.createdSeconds},` +
    `"model":${JSON.stringify(call.model)}`
  );
}

function renderWhole(call: Call, { choices, counts, finish }: Completion): string {
  const rendered = choices.map(({ steps }, index) => {
    const text = JSON.stringify(joinSteps(steps, 'text'));
    return `{"index":${index},"text":${text},"logprobs":null,"finish_reason":"${finish}"}`;
  });
  const usage = renderChatUsage(counts, call.behaviour.usageStyle, call.usageFault);
  return (
    `${renderHead(call)},"choices":[${rendered.join()}]` +
    `${usage === undefined ? '' : `,"usage":${usage}`}}`
  );
}

function createFrames(call: Call, { choices, counts, finish }: Completion): StreamFrames {
  const isUsageWanted = isUsageWantedIn(call.body);
  const head = `data: ${renderHead(call)}`;
  const usageNull = isUsageWanted ? ',"usage":null' : '';
  const frame = (index: number, escaped: string, reason = 'null') =>
    `${head},"choices":[{"index":${index},"text":"${escaped}","logprobs":null,` +
    `"finish_reason":${reason}}]${usageNull}}\n\n`;
  const usage = () => renderChatUsage(counts, call.behaviour.usageStyle, call.usageFault);
  return {
    opening: () => '',
    tokens(from, to) {
      const escaped = choices.map(({ steps }) =>
        steps.slice(from, to).reduce((text, step) => text + step.escaped, ''),
      );
      return escaped.map((text, index) => frame(index, text)).join('');
    },
    text: (text) => frame(0, JSON.stringify(text).slice(1, -1)),
    finish: () =>
      choices.map((_, index) => frame(index, '', `"${finish}"`)).join('') +
      (isUsageWanted ? createUsageFrames(head, usage(), call.usageFault) : ''),
    terminal: () => DONE,
    error: createErrorFrame,
  };
}
