import type { LiveDocument } from '../observe/live-document.ts';
import type { KeyPress } from './key-press.ts';
import type { Explained } from './state.ts';

/** Everything that can change what the screen shows. */
export type TopEvent =
  | { readonly type: 'document'; readonly document: LiveDocument }
  | { readonly type: 'key'; readonly key: KeyPress }
  | { readonly type: 'resized'; readonly columns: number; readonly rows: number }
  /** The gateway does not answer; told again for as long as it does not. */
  | { readonly type: 'lost'; readonly problem: string; readonly nowMs: number }
  | ({ readonly type: 'explained' } & Explained)
  /** An action has been done, or has failed. */
  | { readonly type: 'acted'; readonly ok: boolean; readonly text: string };
