import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import type { SpdyStream } from './stream.js';

export interface SpdyLimits {
  /** Length of a control frame, header blocks included. */
  readonly maxControlBytes: number;
  /** An expanded header block. */
  readonly maxHeaderBytes: number;
  /** Streams open at a time. More are refused, the connection goes on. */
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
  /** Any byte stream behind a finished upgrade. The connection owns it from now on. */
  readonly socket: Duplex;
  /** Bytes that the HTTP parser read behind the head. */
  readonly head?: Buffer;
  readonly clock: Clock;
  readonly limits?: Partial<SpdyLimits>;
  /** A stream opened by the peer: reply to it or reset it. Without this all are refused. */
  readonly onStream?: (stream: SpdyStream) => void;
  /** Sends a PING this often. */
  readonly pingIntervalMs?: number;
  /** Closes the connection after this long without a frame in either direction. */
  readonly idleTimeoutMs?: number;
}
