// 128 short words. What the mock says means nothing; it only has to be repeatable and countable.
const TEXT =
  'the of and to in is that for it as was with be by on not he this are or his from at which but ' +
  'have an had they you were there one all we can her has more when who will their out up said ' +
  'time water long very after words called just where most know get through back much before go ' +
  'good new write our used man too any day same right look think also around another came come ' +
  'work three word must because does part even place well such here take why things help put ' +
  'years different away again off went old number great tell men say small every found still ' +
  'between name should home big give air line set own under read last never us left end along';

export const WORDS: readonly string[] = TEXT.split(' ');

/** One step of an answer: what is streamed for one token. */
export interface Step {
  readonly kind: 'reasoning' | 'text' | 'call';
  readonly text: string;
  /** `text` escaped for the inside of a JSON string. */
  readonly escaped: string;
  /** Which tool call it is a piece of. */
  readonly call: number;
}

export function createStep(kind: Step['kind'], text: string, call = 0): Step {
  return { kind, text, escaped: JSON.stringify(text).slice(1, -1), call };
}

// Made once: an answer is a list of references to these.
const FIRST = { reasoning: stepsOf('reasoning', ''), text: stepsOf('text', '') };
const LATER = { reasoning: stepsOf('reasoning', ' '), text: stepsOf('text', ' ') };

function stepsOf(kind: 'reasoning' | 'text', before: string): readonly Step[] {
  return WORDS.map((word) => createStep(kind, before + word));
}

/** Adds `count` words to `steps`, the same ones for the same seed. */
export function addWords(
  steps: Step[],
  kind: 'reasoning' | 'text',
  { count, seed }: { count: number; seed: number },
): void {
  // Neighbouring seeds, as those of the choices of one request, must not begin alike.
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
  for (let i = 0; i < count; i++) {
    // xorshift32: three shifts a word, and no two seeds give the same sentence for long.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    const step = (i === 0 ? FIRST : LATER)[kind][state % WORDS.length];
    if (step !== undefined) steps.push(step);
  }
}

/** The text that steps of one kind add up to. */
export function joinSteps(steps: readonly Step[], kind: Step['kind'], call = 0): string {
  let text = '';
  for (const step of steps) if (step.kind === kind && step.call === call) text += step.text;
  return text;
}
