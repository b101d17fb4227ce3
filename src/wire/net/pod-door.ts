import type { Socket } from 'node:net';
import { TunnelError } from '../../core/errors.js';

/**
 * The way of an agent to the pods of a kubelet that is not in its process. Over mutual TLS it sends one line, `IP:PORT` of a
 * pod. The kubelet answers with one of these lines, and after the first the connection is the pod's.
 */
export const podAnswers = { open: 'open', refused: 'refused', unknown: 'no such pod' } as const;

/** Longer than any address. */
const maxLineBytes = 64;

/**
 * Reads one line; what follows it stays in the socket. Rejects with PROTOCOL_VIOLATION when the line is too long, and with
 * TUNNEL_CLOSED when the socket ends before it.
 */
export function readLine(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const done = (act: () => void): void => {
      socket.off('readable', read).off('error', failed).off('close', closed);
      act();
    };
    const failed = (cause: Error): void => done(() => reject(TunnelError.from(cause, 'TUNNEL_CLOSED')));
    const closed = (): void => done(() => reject(new TunnelError('TUNNEL_CLOSED', 'unexpected EOF')));
    const read = (): void => {
      for (;;) {
        const chunk = socket.read() as Buffer | null;
        if (chunk === null) break;
        parts.push(chunk);
        const all = Buffer.concat(parts);
        const end = all.indexOf('\n');
        if (end > maxLineBytes || (end === -1 && all.length > maxLineBytes)) {
          return done(() => reject(new TunnelError('PROTOCOL_VIOLATION', 'the first line is too long')));
        }
        if (end === -1) continue;
        return done(() => {
          if (all.length > end + 1) socket.unshift(all.subarray(end + 1));
          resolve(all.toString('latin1', 0, end));
        });
      }
      if (socket.readableEnded) closed();
    };
    socket.on('readable', read).on('error', failed).on('close', closed);
  });
}
