import type { Clock, Timer } from './clock.js';
import { type ConnectId, type HeldPacket, heldPacket, maxHeldIds } from './packet.js';
import type { Congestible } from './port.js';

/** How often an end asks for its quiet connections, ms. */
export const roundMs = 30_000;
/** The least time between two rounds when something suggests to ask at once, ms. */
export const hurriedRoundMs = 1000;

/** A connection as one end of an agent stream holds it. */
interface Watched {
  readonly connectId: ConnectId;
  /** Its payload at the last round, bytes. −1 before the first. */
  bytesAtRound: number;
}

export interface HeldRoundsOptions<Connection extends Watched> {
  readonly clock: Clock;
  /** The stream to the other end. Nothing is asked while it is full. */
  readonly port: Congestible;
  /** All connections of the stream, open or not. */
  readonly connections: () => Iterable<Connection>;
  /** Payload so far, in both directions. */
  readonly bytesOf: (connection: Connection) => number;
  readonly isOpen: (connection: Connection) => boolean;
  readonly send: (packet: HeldPacket) => void;
  /** Called at each round for each connection that is not open. */
  readonly notOpen?: (connection: Connection) => void;
}

/**
 * Tells the other end of an agent stream which connections this one holds open, so that it closes those that it does not
 * hold (R32). One that carried payload since the last round is left out: the receiver of DATA finds out itself (R17).
 */
export class HeldRounds<Connection extends Watched> {
  private readonly options: HeldRoundsOptions<Connection>;
  private timer: Timer | undefined;
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(options: HeldRoundsOptions<Connection>) {
    this.options = options;
  }

  /** A connection was opened: starts the rounds. They end when the stream has no connection left. */
  watch(): void {
    this.timer ??= this.options.clock.after(roundMs, () => this.round());
  }

  /** A CLOSE packet was lost, and perhaps others with it: asks at once, unless it has just asked. */
  hurry(): void {
    if (this.timer === undefined || this.options.clock.now() - this.lastAt < hurriedRoundMs) return;
    this.cancel();
    this.round();
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private round(): void {
    const { clock, port, connections, isOpen, notOpen, send } = this.options;
    this.timer = undefined;
    this.lastAt = clock.now();
    const held = [...connections()];
    if (held.length === 0) return;
    this.watch();
    if (port.congested) return;
    const quiet: ConnectId[] = [];
    for (const connection of held) {
      if (!isOpen(connection)) notOpen?.(connection);
      else if (this.isQuiet(connection)) quiet.push(connection.connectId);
    }
    for (let start = 0; start < quiet.length; start += maxHeldIds) {
      send(heldPacket(quiet.slice(start, start + maxHeldIds)));
    }
  }

  private isQuiet(connection: Connection): boolean {
    const before = connection.bytesAtRound;
    connection.bytesAtRound = this.options.bytesOf(connection);
    return connection.bytesAtRound === before;
  }
}
