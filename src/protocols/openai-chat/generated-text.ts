import { isObject } from '../call-fields.ts';

/**
 * All text that a model generated in one message or delta: answer, reasoning, refusal and tool
 * arguments. One string, so that one delta counts once however many members carry it.
 */
export function generatedText(message: unknown): string {
  if (!isObject(message)) return '';
  let text = plainText(message['content']);
  const reasoning = message['reasoning_content'] ?? message['reasoning'];
  if (reasoning !== undefined) text += plainText(reasoning);
  if (message['refusal'] !== undefined) text += plainText(message['refusal']);
  const calls = message['tool_calls'];
  if (Array.isArray(calls)) for (const call of calls) text += callText(call);
  if (isObject(message['function_call'])) text += functionText(message['function_call']);
  if (isObject(message['audio'])) text += plainText(message['audio']['transcript']);
  return text;
}

/** Some engines send content as parts; a part holds its text under `text` or `thinking`. */
function plainText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(plainText).join('');
  if (!isObject(content)) return '';
  return plainText(content['text'] ?? content['thinking'] ?? '');
}

function callText(call: unknown): string {
  if (!isObject(call)) return '';
  if (isObject(call['function'])) return functionText(call['function']);
  return isObject(call['custom']) ? plainText(call['custom']['input']) : '';
}

function functionText(called: Readonly<Record<string, unknown>>): string {
  return plainText(called['name']) + plainText(called['arguments']);
}
