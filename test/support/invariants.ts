/** What must hold in each run, whatever the schedule. */
export type Invariant =
  /** No byte comes in a connection that it was not written to. */
  | 'own-bytes'
  /** Bytes of a connection come in order, each once. */
  | 'order'
  /** A dial and a connection begin once, and end once. */
  | 'one-end'
  /** A connection that ends without an error, and one that goes on, lost no byte. */
  | 'complete'
  /** A dial fails and a connection ends only if its ends, or a fault that may do so, ended it. */
  | 'no-needless-end'
  /** After the heal all parts hold the same connections. */
  | 'beliefs-agree'
  /** After the heal new connections work through each server. */
  | 'works-again'
  /** When all is closed no dial, connection, endpoint, stream or timer is left. */
  | 'nothing-left'
  /** No machine throws. */
  | 'never-throws';

/** An invariant does not hold. */
export class BrokenInvariant extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, text: string) {
    super(text);
    this.invariant = invariant;
  }
}

/** Throws unless `holds`. */
export function expectThat(holds: boolean, invariant: Invariant, text: () => string): asserts holds {
  if (!holds) throw new BrokenInvariant(invariant, text());
}

/** Throws unless all counts are 0. */
export function expectNothing(left: Readonly<Record<string, number>>): void {
  const named = Object.entries(left).filter(([, count]) => count !== 0);
  expectThat(named.length === 0, 'nothing-left', () =>
    named.map(([what, count]) => `${what}: ${count}`).join(', '),
  );
}

/** Watches that things begin once and end once. */
export class Ledger<Key> {
  readonly open = new Set<Key>();
  private readonly seen = new Set<Key>();
  private readonly what: string;

  /** `what` is a name for error texts. */
  constructor(what: string) {
    this.what = what;
  }

  begin(key: Key): void {
    expectThat(!this.seen.has(key), 'one-end', () => `${this.what} ${nameOf(key)} began twice`);
    this.seen.add(key);
    this.open.add(key);
  }

  end(key: Key): void {
    const isOpen = this.open.delete(key);
    expectThat(isOpen, 'one-end', () => `${this.what} ${nameOf(key)} ended twice, or never began`);
  }
}

function nameOf(key: unknown): string {
  if (typeof key !== 'object' || key === null) return `${key as string | number}`;
  const { dialId } = key as { readonly dialId?: bigint };
  return `of dial ${dialId}`;
}

/** What a flow writes at a time is a multiple of this, bytes. */
export const recordBytes = 8;

/**
 * One direction of a connection. Its bytes are records of four bytes that name the flow and four that count them, so that
 * each byte shows where it belongs. They may come in pieces of any size.
 */
export class ByteFlow {
  /** Bytes written, and bytes that came out at the other end. */
  written = 0;
  came = 0;
  private readonly number: number;
  private readonly name: string;

  /** `number` tells it from all other flows. `name` is for error texts. */
  constructor(number: number, name: string) {
    this.number = number;
    this.name = name;
  }

  get complete(): boolean {
    return this.came === this.written;
  }

  /** The bytes that are written next. */
  next(bytes: number): Uint8Array {
    const from = this.written;
    this.written += bytes;
    return this.bytesAt(from, bytes);
  }

  /** Throws unless these bytes are the next of this flow. */
  take(bytes: Uint8Array): void {
    const wanted = this.bytesAt(this.came, bytes.length);
    if (Buffer.compare(bytes, wanted) !== 0) this.refuse(bytes, wanted);
    this.came += bytes.length;
    const { came, written, name } = this;
    expectThat(came <= written, 'order', () => `${name}: ${came} bytes came of ${written}`);
  }

  private refuse(bytes: Uint8Array, wanted: Uint8Array): never {
    const differs = (byte: number, index: number): boolean => byte !== wanted[index];
    const at = this.came + bytes.findIndex(differs);
    const foreign = bytes.some(
      (byte, index) => differs(byte, index) && (this.came + index) % recordBytes < recordBytes / 2,
    );
    const text = `${this.name}: byte ${at} is not what was written there`;
    throw new BrokenInvariant(foreign ? 'own-bytes' : 'order', text);
  }

  private bytesAt(from: number, bytes: number): Uint8Array {
    const first = Math.floor(from / recordBytes);
    const records = Math.ceil((from + bytes) / recordBytes) - first;
    const words = new Uint32Array(records * 2);
    for (let record = 0; record < records; record += 1) {
      words[record * 2] = this.number;
      words[record * 2 + 1] = first + record;
    }
    return new Uint8Array(words.buffer, from - first * recordBytes, bytes);
  }
}
