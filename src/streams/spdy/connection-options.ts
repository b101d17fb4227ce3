import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import type { SpdyStream } from './stream.js';

export interface SpdyLimits {
  /** The longest control frame with its header block, bytes. */
  readonly maxControlBytes: number;
  /** The longest expanded header block, bytes. */
  readonly maxHeaderBytes: number;
  /** How many streams may be open at a time. More are refused; the connection continues. */
  readonly maxStreams: number;
  readonly maxControlBacklogBytes: number;
}

export const defaultSpdyLimits: SpdyLimits = {
  maxControlBytes: 64 * 1024,
  maxHeaderBytes: 64 * 1024,
  maxStreams: 4096,
  maxControlBacklogBytes: 1024 * 1024,
};

export interface SpdyConnectionOptions {
  readonly role: 'client' | 'server';
  /** A byte stream after an upgrade. From now on the connection owns it. */
  readonly socket: Duplex;
  /** Bytes that the HTTP parser read after the head. */
  readonly head?: Buffer;
  readonly clock: Clock;
  readonly limits?: Partial<SpdyLimits>;
  /** Called with each stream that the peer opens: reply to it or reset it. Default: all are refused. */
  readonly onStream?: (stream: SpdyStream) => void;
  /** How often to send a PING, ms. Default: never. */
  readonly pingIntervalMs?: number;
  /** Closes the connection after this time without a frame in either direction, ms. Default: never. */
  readonly idleTimeoutMs?: number;
}
