import { type FaithfulOptions, faithfulSet, hasFlowControl } from './faithful.js';

/** What our ends have beside Konnectivity's wire: flow control (R27), and questions for quiet connections (R31). */
export type Extension = 'fc1' | 'ids1';

/** What an agent offers to its servers, and a server takes of it. */
export function extensionsOf(options: FaithfulOptions): readonly Extension[] {
  const asks = options.as === 'ideal' && !faithfulSet(options).has('lost-close-unnoticed');
  return [...(hasFlowControl(options) ? (['fc1'] as const) : []), ...(asks ? (['ids1'] as const) : [])];
}
