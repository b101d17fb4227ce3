import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.js';
import { type FlowCounts, FlowMachine, type FlowPort, type FlowSide, type IdleVerdict } from './flow.js';

const otherSide = { client: 'target', target: 'client' } as const;

export interface FlowSockets {
  readonly client: Socket;
  readonly target: Socket;
}

export type FlowWatcher = Pick<FlowPort, 'policy' | 'forgotten' | 'lost' | 'closed'>;

/** One flow: two sockets with a `FlowMachine` between them. Both must be connected and have `allowHalfOpen`. */
export class MiddleboxFlow {
  private readonly sockets: FlowSockets;
  private readonly machine: FlowMachine;

  /** `watcher` decides how long the flow may be idle, and gets its reports. */
  constructor(sockets: FlowSockets, clock: Clock, watcher: FlowWatcher) {
    this.sockets = sockets;
    this.machine = new FlowMachine(clock, {
      policy: () => watcher.policy(),
      end: (side) => void sockets[side].end(),
      reset: (side) => void sockets[side].resetAndDestroy(),
      forgotten: (verdict, idleMs) => watcher.forgotten(verdict, idleMs),
      lost: (from, sizeBytes) => watcher.lost(from, sizeBytes),
      closed: (end) => watcher.closed(end),
    });
    this.carry('client');
    this.carry('target');
  }

  get counts(): FlowCounts {
    return this.machine.counts;
  }

  reconsider(): void {
    this.machine.reconsider();
  }

  forget(verdict: IdleVerdict): void {
    this.machine.forget(verdict);
  }

  destroy(): void {
    this.sockets.client.destroy();
    this.sockets.target.destroy();
  }

  private carry(from: FlowSide): void {
    const source = this.sockets[from];
    const sink = this.sockets[otherSide[from]];
    source.on('data', (chunk: Buffer) => {
      if (this.machine.received(from, chunk.length) && sink.writable && !sink.write(chunk)) source.pause();
    });
    // The bytes of a forgotten flow are dropped, so that reading continues.
    sink.on('drain', () => source.resume());
    sink.once('close', () => source.resume());
    source.once('end', () => this.machine.ended(from));
    source.once('close', (broken) => this.machine.gone(from, broken));
    source.resume();
  }
}
