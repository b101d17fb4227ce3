import type { Fault } from '../links/fault.js';
import type { FaultDocument } from '../links/fault-document.js';
import type { FaultSet } from '../links/fault-set.js';
import type { PresetName } from '../links/presets.js';

/** A fault for the links that `lab.link` has chosen. */
export type LinkFaultDocument = Omit<FaultDocument, 'on'>;

/** Some links of a lab, chosen by two patterns. */
export class LabLink {
  private readonly faults: FaultSet;
  private readonly on: { readonly from: string; readonly to: string };

  constructor(faults: FaultSet, on: { readonly from: string; readonly to: string }) {
    this.faults = faults;
    this.on = on;
  }

  /**
   * Sets a fault on these links, or a preset by its name. It stays until `remove`, the end of a `using` block, or
   * `lab.heal`. Throws CONFIG_INVALID, whose text names the field, or LINK_NOT_FOUND.
   */
  fault(fault: LinkFaultDocument | PresetName): Fault {
    return this.faults.set(fault, this.on);
  }

  /** Sets a fault while `work` runs. Rejects as `fault` throws, or with the error of `work`. */
  async withFault<T>(
    fault: LinkFaultDocument | PresetName,
    work: (fault: Fault) => T | Promise<T>,
  ): Promise<T> {
    const set = this.fault(fault);
    try {
      return await work(set);
    } finally {
      set.remove();
    }
  }
}
