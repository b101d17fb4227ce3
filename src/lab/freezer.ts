import type { Fault } from '../links/fault.js';
import type { FaultSet } from '../links/fault-set.js';

/**
 * Freezes parts of a lab, as a stopped process or a node that hangs looks to its peers: connections stay open and are
 * accepted, and no byte passes. The part's own timers run on, which no peer can see.
 */
export class Freezer {
  private readonly faults: FaultSet;
  private readonly frozen = new Map<string, Fault>();

  constructor(faults: FaultSet) {
    this.faults = faults;
  }

  isFrozen(part: string): boolean {
    return this.frozen.get(part)?.active === true;
  }

  freeze(part: string): void {
    if (this.isFrozen(part)) return;
    this.frozen.set(part, this.faults.set({ id: `frozen ${part}`, on: { part }, do: 'freeze' }));
  }

  thaw(part: string): void {
    this.frozen.get(part)?.remove();
    this.frozen.delete(part);
  }
}
