import type { Duplex } from 'node:stream';
import {
  type Backlog,
  type CongestionMarks,
  CongestionMeter,
  connectionMarks,
} from '../../core/congestion.js';
import type { ConnectClient } from '../../core/http-connect/state.js';
import { type Congestible, QueueFront } from '../../core/port.js';
import type { WriteTiming } from '../carrier/send-queue.js';

export interface ConnectSocketOwner {
  /** Bytes came in. Nothing more is read while the returned queue is congested. */
  received(bytes: Uint8Array): Congestible | undefined;
  /** The client has taken bytes. */
  took?(bytes: number): void;
  /** The client ended its direction. */
  ended(): void;
  /** Called when the socket is not read because a queue is full. */
  paused?(): void;
  /** The socket is closed. Called once, after all other calls. */
  closed(): void;
}

export interface ConnectSocketTuning {
  readonly timing: WriteTiming;
  /** How many bytes may wait to be sent. Default `connectionMarks`. */
  readonly marks?: CongestionMarks | undefined;
  /** Limits the waiting bytes together with those of other queues. */
  readonly together?: Backlog | undefined;
}

/** A CONNECT client's socket, with the limits of every frontend's stream. Its bytes are those of the connection. */
export class ConnectSocket extends QueueFront<CongestionMeter> implements ConnectClient {
  private readonly socket: Duplex;
  private readonly timing: WriteTiming;
  private owner: ConnectSocketOwner | undefined;
  private paused = false;

  constructor(socket: Duplex, { timing, marks = connectionMarks, together }: ConnectSocketTuning) {
    super(new CongestionMeter(marks, together));
    this.socket = socket;
    this.timing = timing;
    socket.on('error', () => undefined);
  }

  /** Starts to read. `head` are the bytes that were read already. */
  serve(owner: ConnectSocketOwner, head: Uint8Array): void {
    const { socket } = this;
    const receive = (bytes: Uint8Array): void => this.waitFor(owner.received(bytes));
    this.owner = owner;
    socket.once('close', () => this.closed());
    if (socket.closed) queueMicrotask(() => this.closed());
    if (head.length > 0) receive(head);
    socket.on('end', () => owner.ended());
    socket.on('data', receive);
  }

  write(bytes: Uint8Array): void {
    if (!this.socket.writable) return;
    this.queue.add(bytes.length);
    const startedAt = this.timing.now();
    this.socket.write(bytes, () => {
      this.timing.took(this.timing.now() - startedAt);
      this.queue.remove(bytes.length);
      this.owner?.took?.(bytes.length);
    });
  }

  end(ended: () => void): void {
    this.socket.end(ended);
  }

  destroy(): void {
    this.socket.destroy();
    this.closed();
  }

  private closed(): void {
    const { owner } = this;
    this.owner = undefined;
    owner?.closed();
    this.queue.clear();
  }

  private waitFor(full: Congestible | undefined): void {
    if (full === undefined || !full.congested || this.paused) return;
    this.paused = true;
    this.socket.pause();
    this.owner?.paused?.();
    full.whenClear(() => {
      this.paused = false;
      this.socket.resume();
    });
  }
}
