import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.js';
import { FlowMachine, type FlowPort, type FlowSide, otherSide } from './flow.js';

export interface FlowSockets {
  readonly client: Socket;
  readonly target: Socket;
}

export type FlowWatcher = Pick<FlowPort, 'stopped' | 'lost' | 'closed'>;

/** One flow: two sockets with a `FlowMachine` between them. Both must be connected and have `allowHalfOpen`. */
export class SocketFlow {
  readonly machine: FlowMachine;
  private readonly sockets: FlowSockets;
  /** Sides that are not read because the flow's faults hold too much of their bytes. */
  private readonly held: Record<FlowSide, boolean> = { client: false, target: false };

  constructor(sockets: FlowSockets, clock: Clock, watcher: FlowWatcher) {
    this.sockets = sockets;
    this.machine = new FlowMachine(clock, {
      write: (side, bytes) => this.write(side, bytes),
      end: (side) => void sockets[side].end(),
      reset: (side) => resetSocket(sockets[side]),
      hold: (side, held) => {
        this.held[side] = held;
        if (held) sockets[side].pause();
        else this.resume(side);
      },
      stopped: (verdict, idleMs) => watcher.stopped(verdict, idleMs),
      lost: (from, sizeBytes) => watcher.lost(from, sizeBytes),
      closed: (end) => watcher.closed(end),
    });
  }

  /** Begins to read, when the flow's faults are in their places. */
  start(): void {
    this.carry('client');
    this.carry('target');
  }

  destroy(): void {
    this.sockets.client.destroy();
    this.sockets.target.destroy();
  }

  private write(side: FlowSide, bytes: Uint8Array): void {
    const sink = this.sockets[side];
    if (sink.writable && !sink.write(bytes)) this.sockets[otherSide[side]].pause();
  }

  private resume(side: FlowSide): void {
    if (this.held[side]) return;
    // Bytes of a flow that is over are dropped, so a full sink does not stop the reading.
    if (!this.machine.over && this.sockets[otherSide[side]].writableNeedDrain) return;
    this.sockets[side].resume();
  }

  private carry(from: FlowSide): void {
    const source = this.sockets[from];
    const sink = this.sockets[otherSide[from]];
    source.on('data', (chunk: Buffer) => this.machine.received(from, chunk));
    sink.on('drain', () => this.resume(from));
    sink.once('close', () => this.resume(from));
    source.once('end', () => this.machine.ended(from));
    source.once('close', (broken) => this.machine.gone(from, broken));
    source.resume();
  }
}

/** A Unix socket has no reset, and no address. */
function resetSocket(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
