import { namePattern } from '../links/edge.js';
import type { Fault, FaultReach, LinkView } from '../links/fault.js';
import type { FaultDocument } from '../links/fault-document.js';
import type { FaultSet } from '../links/fault-set.js';
import type { PresetName } from '../links/presets.js';
import type { LabInsides } from './lab-insides.js';
import { LabJournal } from './lab-journal.js';
import { LabLink } from './lab-link.js';

/** The links of a lab, and what can go wrong on them and in the parts. */
export class LabFaults extends LabJournal {
  private readonly set: FaultSet;

  constructor({ journal, context }: Pick<LabInsides, 'journal' | 'context'>) {
    super(journal);
    this.set = context.links.faults;
  }

  /**
   * Links between parts, by patterns: `lab.link('agent/node-1', 'server/1')`. In a pattern `*` stands for any text, and a number
   * alone for the part with that number. Connections go from `from` to `to`: `apiserver/main` or `client/lab` to
   * `server/server-1`, `agent/node-1` to `server/server-1`, to `kubelet/node-1` or to `pod/default/web-1`.
   */
  link(from = '*', to = '*'): LabLink {
    return new LabLink(this.set, { from, to });
  }

  /** Sets a fault on the links that its `on` names, default all, or a preset by its name. Throws as `LabLink.fault`. */
  fault(fault: FaultDocument | PresetName): Fault {
    return this.set.set(fault);
  }

  /** The faults that are on, in the order in which they were set. Frozen parts have one each. */
  faults(): readonly Fault[] {
    return this.set.active;
  }

  /** What a fault would be on, and could hit, now. It is not set. Throws as `fault`. */
  faultReach(fault: FaultDocument | PresetName): FaultReach {
    return this.set.reach(fault);
  }

  /**
   * The links between parts, whether they have connections or not, by patterns as in `link`. A lab with many nodes has
   * very many: leave the loop early, or name some.
   */
  links(from = '*', to = '*'): Iterable<LinkView> {
    const isFrom = namePattern(from);
    const isTo = namePattern(to);
    return this.set.links((edge) => isFrom(edge.from) && isTo(edge.to));
  }

  /** Removes all faults. */
  heal(): void {
    this.set.heal();
  }
}
