import type { z } from 'zod';
import { directPath, type OpenPath } from '../core/packet-path.js';
import type { Edge } from './edge.js';
import type { HitPlace } from './fault-hits.js';
import type { FlowSide } from './flow.js';
import type { PartFaultName, partFaults } from './part-faults/part-faults.js';

/** The checked settings of a fault of parts. */
export type PartSettings<K extends PartFaultName> = z.output<(typeof partFaults)[K]['settings']>;

/** Whose occasion it is, for the event of a hit. */
export type Occasion = Pick<HitPlace, 'peer' | 'request' | 'text'>;

/** Does what a fault says, and may return how to undo it. */
export type Deed<K extends PartFaultName> = (settings: PartSettings<K>) => (() => void) | undefined;

/** Where one part meets its faults. */
export interface FaultPoints {
  /**
   * The settings of the first fault of this kind that hits this part now; undefined when none does. Each answer is a hit,
   * so ask only when it would have an effect; `matches` sorts out those that would have none.
   */
  meet<K extends PartFaultName>(
    kind: K,
    occasion?: Occasion,
    matches?: (settings: PartSettings<K>) => boolean,
  ): PartSettings<K> | undefined;
  /**
   * Offers to do what faults of this kind say; `matches` sorts out those that it has nothing to do with. Call the returned
   * function when that is not possible any more.
   */
  offer<K extends PartFaultName>(
    kind: K,
    deed: Deed<K>,
    occasion?: Occasion,
    matches?: (settings: PartSettings<K>) => boolean,
  ): () => void;
  /** The path of each new stream of packets of a link. `ours` is the part's end of it. */
  path(edge: Edge, ours: FlowSide): OpenPath;
}

/** For parts that run without faults. */
export const noFaults: FaultPoints = {
  meet: () => undefined,
  offer: () => () => undefined,
  path: () => directPath,
};
