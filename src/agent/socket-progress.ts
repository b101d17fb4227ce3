import type { Socket } from 'node:net';

/** What node keeps private of a socket; its own idle timer looks at the same. */
interface HandleHolder {
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
}

/**
 * Bytes that the system has taken of what was written to a socket. Node's public counts move only when all that is
 * queued has gone; with the private ones, which fall back to those, an endpoint on a slow path can be told from a dead
 * one.
 */
export function takenBytes(socket: Socket): number {
  const { bytesWritten, writeQueueSize } = (socket as unknown as HandleHolder)._handle ?? {};
  if (bytesWritten === undefined || writeQueueSize === undefined) {
    return socket.bytesWritten - socket.writableLength;
  }
  return bytesWritten - writeQueueSize;
}
