/** Gives addresses to one node's pods, from its part of the cluster's pod network. */
export class PodAddresses {
  private readonly first: number;
  private readonly count: number;
  private readonly taken = new Map<string, number>();
  private next = 0;

  /** `cidr` is IPv4, such as `10.244.1.0/24`. */
  constructor(cidr: string) {
    const [address = '', bits = '24'] = cidr.split('/');
    const octets = address.split('.').map(Number);
    this.first = octets.reduce((number, octet) => number * 256 + octet, 0) + 2;
    // The network, gateway and broadcast addresses are not given to pods.
    this.count = Math.max(1, 2 ** (32 - Number(bits)) - 3);
  }

  /** The address of a pod, the same until it is released. Undefined when all are in use. */
  of(uid: string): string | undefined {
    const known = this.taken.get(uid);
    if (known !== undefined) return this.text(known);
    const used = new Set(this.taken.values());
    if (used.size >= this.count) return undefined;
    // Goes round in a circle, so a released address is not used again at once.
    while (used.has(this.next)) this.next = (this.next + 1) % this.count;
    const offset = this.next;
    this.next = (this.next + 1) % this.count;
    this.taken.set(uid, offset);
    return this.text(offset);
  }

  /** Keeps an address that a pod already has. */
  claim(uid: string, address: string): void {
    const offset = address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0) - this.first;
    if (Number.isInteger(offset) && offset >= 0 && offset < this.count) this.taken.set(uid, offset);
  }

  release(uid: string): void {
    this.taken.delete(uid);
  }

  private text(offset: number): string {
    const number = this.first + offset;
    return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
  }
}
