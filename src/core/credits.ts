import { type ConnectId, type Packet, sendData, windowUpdate } from './packet.js';
import type { Congestible } from './port.js';
import { Waiters } from './waiters.js';

/**
 * How many payload bytes of a connection may be under way in one direction without credit, bytes (R28). A
 * connection costs each process on its way at most as much. It is enough for 1 Gbit/s over 8 ms.
 */
export const windowBytes = 1024 * 1024;

export const windowExceededText = 'more bytes came than the window allows';

/** Sends a packet. Returns the queue that may be too full now. */
type Send = (packet: Packet) => Congestible | undefined;

/** Flow control of one connection at one of its two ends, for both directions (R27 to R29). Full while bytes wait for credit. */
export class Credits implements Congestible {
  private readonly connectId: ConnectId;
  private readonly send: Send;
  private sendable: number;
  private held: Uint8Array[] = [];
  private readonly waiting = new Waiters();
  /** Bytes that came in without credit so far, and those of them that the reader has taken. */
  private came = 0;
  private taken = 0;

  /** `peerWindow` is what the other end takes at first, bytes. */
  constructor(connectId: ConnectId, peerWindow: number, send: Send) {
    this.connectId = connectId;
    this.sendable = peerWindow;
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
    this.sendable += bytes;
    this.flush();
    if (!this.congested) this.waiting.wake();
  }

  /** Counts bytes that came in. False when they are more than the window allows. */
  received(bytes: number): boolean {
    this.came += bytes;
    return this.came <= windowBytes;
  }

  /** The reader has taken bytes. Credit goes out for half a window at once. */
  took(bytes: number): void {
    this.taken += bytes;
    const credit = this.taken;
    if (credit < windowBytes / 2) return;
    this.taken = 0;
    this.came -= credit;
    this.send(windowUpdate(this.connectId, credit));
  }

  /** The connection is over: what waits is not sent, and the source is woken. */
  drop(): void {
    this.held = [];
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
