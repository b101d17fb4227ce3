/** The columns of a ladder, left to right. */
export const lanes = ['client', 'apiserver', 'server', 'agent', 'kubelet'] as const;
export type Lane = (typeof lanes)[number];
/** What a mark means, for its colour. */
export type Tone = 'dial' | 'data' | 'close' | 'drain' | 'request' | 'plain' | 'bad';

/** A packet or message from one part to another. */
export interface ArrowStep {
  readonly kind: 'arrow';
  /** Lab time of departure, in milliseconds. */
  readonly t: number;
  readonly from: Lane;
  readonly to: Lane;
  readonly name: string;
  /** Shown after the name, as many as there is space for. */
  readonly details: readonly string[];
  readonly tone: Tone;
  /** `underway` may still arrive, `lost` will not. `both` has no direction. */
  readonly head: 'arrived' | 'underway' | 'lost' | 'both';
}

/** An action or text of one part. */
export interface NoteStep {
  readonly kind: 'note';
  readonly t: number;
  readonly lane: Lane;
  readonly text: string;
  readonly tone: Tone;
}

/** Rows left out. */
export interface GapStep {
  readonly kind: 'gap';
  readonly text: string;
}

export type LadderStep = ArrowStep | NoteStep | GapStep;

export function laneIndex(lane: Lane): number {
  return lanes.indexOf(lane);
}
