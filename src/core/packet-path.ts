import type { Packet } from './packet.js';
import type { ClosablePort, Congestible } from './port.js';

/** Takes a packet, and returns the queue that is now too full to take more. */
export type HandlePacket = (packet: Packet) => Congestible | undefined;

/** A stream of packets, to whom stands between it and its machine. */
export interface PathStream extends ClosablePort {
  /** Ends both directions, as when a proxy on the way resets the stream with this code of HTTP/2. */
  reset(code: number): void;
  /** Takes a packet as if it had come from the other end. */
  take(packet: Packet): void;
}

/** What packets pass between their stream and its machine. */
export interface PacketPath {
  /** What the machine sends to. */
  readonly port: ClosablePort;
  /** A packet came in. */
  readonly received: HandlePacket;
  /** The stream has ended. */
  closed(): void;
}

/** Makes the path of a new stream. `handle` is its machine, which gets what comes in. */
export type OpenPath = (stream: PathStream, handle: HandlePacket) => PacketPath;

/** Nothing is between them. */
export const directPath: OpenPath = (stream, handle) => ({
  port: stream,
  received: handle,
  closed: () => undefined,
});
