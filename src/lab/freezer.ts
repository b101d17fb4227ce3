import { TunnelError } from '../core/errors.js';
import type { Fault } from '../links/fault.js';
import type { Links } from '../links/links.js';

/**
 * Freezes parts of a lab, as a stopped process or a node that hangs looks to its peers: connections stay open and are
 * accepted, and no byte passes. The part's own timers run on, which no peer can see.
 */
export class Freezer {
  private readonly links: Links;
  private readonly frozen = new Map<string, readonly Fault[]>();

  constructor(links: Links) {
    this.links = links;
  }

  freeze(part: string): void {
    if (this.frozen.get(part)?.some((fault) => fault.on) === true) return;
    const ways = [this.freezeLinks(part, { from: part }), this.freezeLinks(part, { to: part })];
    this.frozen.set(part, ways.flat());
  }

  thaw(part: string): void {
    for (const fault of this.frozen.get(part) ?? []) fault.remove();
    this.frozen.delete(part);
  }

  private freezeLinks(part: string, on: { readonly from?: string; readonly to?: string }): readonly Fault[] {
    const id = `frozen ${part} ${on.from === undefined ? 'in' : 'out'}`;
    try {
      return [this.links.set({ id, on, do: 'freeze' })];
    } catch (error) {
      // A kubelet, for one, has only links that lead to it.
      if (TunnelError.from(error).code === 'LINK_NOT_FOUND') return [];
      throw error;
    }
  }
}
