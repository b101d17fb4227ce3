import type { EventPattern, FaultDocument, Lab, LabOptions, PresetName } from '../../src/index.js';
import type { FaultId } from './ids.js';

/** A fault that is no document. */
export interface Injection {
  /** What is done, one sentence. */
  readonly text: string;
  /** Does it, and resolves with how to undo it. */
  readonly run: (lab: Lab) => Promise<() => unknown>;
}

/** One document, a preset, or several of them, which are set in order; for the rest a sentence and code. */
export type Inject = FaultDocument | PresetName | readonly FaultDocument[] | Injection;

/** A user asks for something. Resolves with the line that the user sees; an error stands for its text. */
export type Provoke = (lab: Lab) => Promise<string>;

/** A fault of the catalogue, and what shows it. */
export interface TestedEntry {
  readonly id: FaultId;
  /** Such as: The kubelet rejects its client. */
  readonly title: string;
  /** How the lab is started. Default one node. `timeScale` (default 10, at most 40) is that of the test; it starts with 1. */
  readonly lab?: LabOptions;
  /** What it needs beside the lab. Resolves with how to end that. */
  readonly prepare?: (lab: Lab) => Promise<() => unknown>;
  readonly inject: Inject;
  /** Default: the lab's own exec of `hostname` in `web-1`. */
  readonly provoke?: Provoke;
  /** What the user does, for the page: `kubectl logs`. Default: the exec above. */
  readonly asks?: string;
  /** What the user then sees: a part of the line. */
  readonly says: string;
  /** The event that shows it in the journal. */
  readonly journal: EventPattern;
  /** What the user sees before the fault, and after it: a part of the line. Default `web-1`. */
  readonly works?: string;
  /** It runs the newest kubectl, and without one it is skipped. */
  readonly needsKubectl?: boolean;
  /** What happens when it is removed. Default: what the kinds of its documents say, else that all works again. */
  readonly heals?: string;
}

/** A fault that a program without rights cannot make, and why. */
export interface UntestedEntry {
  readonly id: FaultId;
  readonly title: string;
  readonly cannot: string;
}

export type Entry = TestedEntry | UntestedEntry;

/** The documents and presets of a fault; none for one that is code. */
export function documentsOf(inject: Inject): readonly (FaultDocument | PresetName)[] {
  if (typeof inject === 'string') return [inject];
  if ('run' in inject) return [];
  return 'length' in inject ? inject : [inject];
}
