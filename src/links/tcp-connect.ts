import { connect, type Socket } from 'node:net';
import { TunnelError } from '../core/errors.js';
import type { Deadline } from './deadline.js';
import { connectError, type GoTarget, stopError } from './go-errors.js';

/** Go's default for new connections. */
const keepAliveMs = 15_000;

/** What a socket connects to: a listener, or whatever gives a connected socket. */
export type TcpTarget = { readonly host: string; readonly port: number } | (() => Promise<Socket>);

/** Begins to connect to `real`, which callers know as `shown`. The socket emits `connect`, or the kernel's error. */
export type OpenTcp<T = TcpTarget> = (real: T, shown: GoTarget) => Socket;

export interface ConnectPlan<T = Exclude<TcpTarget, () => unknown>> {
  readonly real: T;
  readonly shown: GoTarget;
}

/** Opens one TCP socket within the deadline, with an `error` listener and no Nagle delay. Texts are Go's. */
export function connectTcp(plan: ConnectPlan, deadline: Deadline, open?: OpenTcp): Promise<Socket> {
  return connectBy(plan, deadline, open ?? openReal);
}

/** As `connectTcp`, to a target that only `open` knows how to reach. */
export function connectBy<T>(plan: ConnectPlan<T>, deadline: Deadline, open: OpenTcp<T>): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (deadline.stopped !== undefined) {
      reject(stopError(plan.shown, deadline.stopped));
      return;
    }
    const socket = open(plan.real, plan.shown).setNoDelay(true);
    // Kept: an error before the new owner listens must not end the process.
    socket.on('error', (error) => {
      forget();
      reject(error instanceof TunnelError ? error : connectError(plan.shown, error));
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

function openReal(real: { readonly host: string; readonly port: number }): Socket {
  return connect({ ...real, keepAlive: true, keepAliveInitialDelay: keepAliveMs });
}
