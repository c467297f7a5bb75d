import { invalidField, isObject, parseFlag } from '../call-fields.ts';
import type { CallShape } from '../wire.ts';

/**
 * `stream` and `stream_options` of chat and completions. Usage is always asked for, because it is
 * what gets billed; the chunk that carries it is hidden from callers who did not ask.
 */
export function parseStreamFields(
  value: Readonly<Record<string, unknown>>,
): Pick<CallShape, 'stream' | 'usageRequested' | 'edits'> {
  const stream = parseFlag(value['stream'], 'stream');
  const options = value['stream_options'] ?? undefined;
  if (options !== undefined && !isObject(options)) {
    throw invalidField('stream_options', '`stream_options` must be an object.');
  }
  if (!stream) {
    if (options === undefined) return { stream, usageRequested: false, edits: [] };
    throw invalidField(
      'stream_options',
      'The `stream_options` parameter is only allowed when `stream` is true.',
    );
  }
  const param = 'stream_options.include_usage';
  if (parseFlag(options?.['include_usage'], param)) {
    return { stream, usageRequested: true, edits: [] };
  }
  const json = JSON.stringify({ ...options, include_usage: true });
  return { stream, usageRequested: false, edits: [{ member: 'stream_options', json }] };
}
