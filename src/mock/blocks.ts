import type { Step } from './words.ts';

/** A run of consecutive steps of one kind: a text, a chain of thought, or one tool call. */
export interface Block {
  readonly kind: Step['kind'];
  readonly call: number;
  /** Its steps: from `from` up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
}

/** What of one block falls between two tokens. */
export interface Part {
  readonly block: Block;
  /** Place of the block in the answer. */
  readonly index: number;
  /** Its text, escaped for the inside of a JSON string. */
  readonly escaped: string;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

export function toBlocks(steps: readonly Step[]): Block[] {
  const blocks: Block[] = [];
  let from = 0;
  for (let to = 1; to <= steps.length; to++) {
    const { kind, call } = steps[from] as Step;
    if (steps[to]?.kind === kind && steps[to]?.call === call) continue;
    blocks.push({ kind, call, from, to });
    from = to;
  }
  return blocks;
}

/** Cuts the tokens from `from` up to `to` at the borders of blocks. */
export function partsBetween(
  steps: readonly Step[],
  blocks: readonly Block[],
  { from, to }: { from: number; to: number },
): Part[] {
  const parts: Part[] = [];
  for (const [index, block] of blocks.entries()) {
    if (to <= block.from || from >= block.to) continue;
    let escaped = '';
    const end = Math.min(to, block.to);
    for (let i = Math.max(from, block.from); i < end; i++) escaped += steps[i]?.escaped;
    parts.push({ block, index, escaped, isFirst: from <= block.from, isLast: to >= block.to });
  }
  return parts;
}
