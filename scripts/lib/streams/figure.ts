import type { Rig } from './rig.ts';

export interface Figure {
  readonly name: string;
  readonly measured: string;
  readonly goal: string;
}

export interface Settings {
  readonly rounds: number;
  /** Length of one run of a load. */
  readonly seconds: number;
  /** Streams opened at once at most; descriptors may allow fewer. */
  readonly streams: number;
}

/** Measures one thing with processes of its own. */
export type Measurement = (rig: Rig, settings: Settings) => Promise<readonly Figure[]>;
