import { connect, type Socket } from 'node:net';
import type { Deadline } from './deadline.js';
import { connectError, type GoTarget, stopError } from './go-errors.js';

/** Go's default for new connections. */
const keepAliveMs = 15_000;

export interface ConnectPlan {
  readonly real: { readonly host: string; readonly port: number };
  readonly shown: GoTarget;
}

/** Opens one TCP socket within the deadline, with an `error` listener and no Nagle delay. Texts are Go's. */
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
