import { GateError } from '../core/error.ts';
import { neutralText } from './neutral-text.ts';

/** The refusal of one field of a request. */
export function invalidField(param: string, message: string): GateError {
  return new GateError('invalid_request', message, { param });
}

/** One text for unknown and hidden models, so that nobody can tell which models exist. */
export function modelNotFound(name: string): GateError {
  const shown = neutralText(name, 120);
  return new GateError(
    'model_not_found',
    `The model "${shown}" does not exist or you do not have access to it.`,
    { param: 'model' },
  );
}

const MAX_MODEL_LENGTH = 256;
// Controls, and marks that reorder or hide text: names reach logs and terminals.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

/** A name that no model can have is an unknown model, not a malformed request. */
export function parseModel(value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw invalidField('model', 'You must provide a model: a non-empty string.');
  }
  if (!isModelName(value)) throw modelNotFound(value);
  return value;
}

/** Whether a model can have this name at all. */
export function isModelName(name: string): boolean {
  return name !== '' && name.length <= MAX_MODEL_LENGTH && !UNSAFE.test(name);
}

/** null and absent are false; text and numbers are refused, because servers disagree on them. */
export function parseFlag(value: unknown, param: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw invalidField(param, `\`${param}\` must be true or false.`);
  return value;
}

/** A bound on tokens: a positive integer, or null when there is none. */
export function parseTokenBound(value: unknown, param: string): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw invalidField(param, `\`${param}\` must be a positive integer.`);
  }
  return value;
}

/** By these llama.cpp knows `max_tokens` and `n`, which it then does not read. */
const SECOND_NAMES = new Map([
  ['n_predict', 'max_tokens'],
  ['n_cmpl', 'n'],
]);

/** Two names for one bound could tell the backend more than was held and limited for. */
export function refuseSecondNames(value: Readonly<Record<string, unknown>>): void {
  for (const [name, usual] of SECOND_NAMES) {
    if (name in value) throw invalidField(name, `\`${name}\` is not supported; use \`${usual}\`.`);
  }
}

const MAX_CHOICES = 128;

/** `n` and its kin; 1 when absent. */
export function parseChoices(value: unknown, param: string): number {
  if (value === undefined || value === null) return 1;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MAX_CHOICES) {
    throw invalidField(param, `\`${param}\` must be an integer from 1 to ${MAX_CHOICES}.`);
  }
  return value;
}

const MAX_MESSAGES = 10_000;

/** A list of messages with known roles. Content is the backend's business. */
export function parseMessages(value: unknown, roles: ReadonlySet<string>): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidField('messages', '`messages` must be a non-empty list.');
  }
  if (value.length > MAX_MESSAGES) {
    throw invalidField('messages', `\`messages\` has more than ${MAX_MESSAGES} items.`);
  }
  for (const [index, message] of value.entries()) {
    const param = `messages[${index}]`;
    if (!isObject(message)) throw invalidField(param, `\`${param}\` must be an object.`);
    const role = message['role'];
    if (typeof role !== 'string' || !roles.has(role)) {
      throw invalidField(`${param}.role`, `\`role\` must be one of ${[...roles].join(', ')}.`);
    }
  }
  return value;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
