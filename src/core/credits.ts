import { type ConnectId, type Packet, sendData, windowUpdate } from './packet.js';
import type { Congestible } from './port.js';
import type { ReceiveWindow } from './receive-window.js';
import { Waiters } from './waiters.js';

export const windowExceededText = 'more bytes came than the window allows';

/** Sends a packet. Returns the queue that may be too full now. */
type Send = (packet: Packet) => Congestible | undefined;

export interface CreditsOptions {
  readonly connectId: ConnectId;
  /** What the other end takes at first, bytes. */
  readonly peerWindow: number;
  /** What this end takes. */
  readonly window: ReceiveWindow;
  readonly send: Send;
}

/** Flow control of one connection at one of its two ends, for both directions (R27 to R29). Full while bytes wait for credit. */
export class Credits implements Congestible {
  private readonly connectId: ConnectId;
  private readonly send: Send;
  private sendable: number;
  private held: Uint8Array[] = [];
  private readonly waiting = new Waiters();
  private readonly window: ReceiveWindow;

  constructor({ connectId, peerWindow, window, send }: CreditsOptions) {
    this.connectId = connectId;
    this.sendable = peerWindow;
    this.window = window;
    this.send = send;
  }

  get congested(): boolean {
    return this.held.length > 0;
  }

  whenClear(resume: () => void): void {
    this.waiting.add(resume);
  }

  /** Sends bytes, and keeps those that need credit. Returns the queue that may be too full now. */
  write(bytes: Uint8Array): Congestible | undefined {
    this.held.push(bytes);
    const full = this.flush();
    return this.congested ? this : full;
  }

  /** The other end has taken bytes. */
  grant(bytes: number): void {
    this.window.answered();
    this.sendable += bytes;
    this.flush();
    if (!this.congested) this.waiting.wake();
  }

  /** Counts bytes that came in. False when they are more than the window allows. */
  received(bytes: number): boolean {
    this.window.answered();
    return this.window.received(bytes);
  }

  /** The reader has taken bytes. */
  took(bytes: number): void {
    const credit = this.window.took(bytes);
    if (credit > 0) this.send(windowUpdate(this.connectId, credit));
  }

  /** The connection is over: what waits is not sent, and the source is woken. */
  drop(): void {
    this.held = [];
    this.window.close();
    this.waiting.wake();
  }

  private flush(): Congestible | undefined {
    let full: Congestible | undefined;
    while (this.sendable > 0) {
      const next = this.held.shift();
      if (next === undefined) break;
      const fits = next.length <= this.sendable;
      const now = fits ? next : next.subarray(0, this.sendable);
      if (!fits) this.held.unshift(next.subarray(now.length));
      this.sendable -= now.length;
      sendData(this.connectId, now, (packet) => {
        full = this.send(packet);
      });
    }
    return full;
  }
}
