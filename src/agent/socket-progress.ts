import type { Socket } from 'node:net';

/** A private part of Node's sockets, which Node's own idle timer uses, too. */
interface HandleHolder {
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
}

/**
 * Bytes of a socket that the system has taken. Node's public count only moves when all queued bytes have gone. The
 * private one moves earlier and falls back to the public one. So a slow endpoint can be told from a dead one.
 */
export function takenBytes(socket: Socket): number {
  const { bytesWritten, writeQueueSize } = (socket as unknown as HandleHolder)._handle ?? {};
  if (bytesWritten === undefined || writeQueueSize === undefined) {
    return socket.bytesWritten - socket.writableLength;
  }
  return bytesWritten - writeQueueSize;
}
