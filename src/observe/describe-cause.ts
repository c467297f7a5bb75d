const CAUSES_MAX = 5;
const MESSAGE_MAX_CHARS = 2_000;
const STACK_LINES_MAX = 12;

/** Messages of an error and its causes, outermost first, with the stack of the outermost. */
export function describeCause(cause: unknown): unknown {
  if (!(cause instanceof Error)) return String(cause).slice(0, MESSAGE_MAX_CHARS);
  const messages: string[] = [];
  let current: unknown = cause;
  while (current instanceof Error && messages.length < CAUSES_MAX) {
    messages.push(`${current.name}: ${current.message}`.slice(0, MESSAGE_MAX_CHARS));
    current = current.cause;
  }
  const stack = cause.stack?.split('\n').slice(0, STACK_LINES_MAX).join('\n');
  return { messages, stack: stack?.slice(0, MESSAGE_MAX_CHARS) };
}
