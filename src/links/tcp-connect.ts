import { connect, type Socket } from 'node:net';
import type { Deadline } from './deadline.js';
import { connectError, type GoTarget, stopError } from './go-errors.js';

/** Go's default for new connections. */
const keepAliveMs = 15_000;

/** Where to connect, and the address for errors. */
export interface ConnectPlan {
  readonly real: { readonly host: string; readonly port: number };
  readonly shown: GoTarget;
}

/**
 * Opens one TCP socket to an IP address within the deadline. The socket has an `error` listener from the start and no
 * Nagle delay. It is destroyed when the dial is stopped. Rejects with Go's texts.
 */
export function connectTcp(plan: ConnectPlan, deadline: Deadline): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (deadline.stopped !== undefined) {
      reject(stopError(plan.shown, deadline.stopped));
      return;
    }
    const socket = connect({
      ...plan.real,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    });
    // Kept: an error before the new owner listens must not end the process.
    socket.on('error', (error) => {
      forget();
      reject(connectError(plan.shown, error));
    });
    const forget = deadline.onStop((reason) => {
      socket.destroy();
      reject(stopError(plan.shown, reason));
    });
    socket.once('connect', () => {
      forget();
      resolve(socket);
    });
  });
}
