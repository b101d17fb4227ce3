import type { Socket } from 'node:net';
import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import type { Clock } from '../../core/clock.js';
import { ConnectionBounds } from '../../core/connection-bounds.js';

export interface CallBoundsOptions {
  readonly clock: Clock;
  /** How long a client may take to its first call, ms. An incomplete request is no call. */
  readonly firstCallMs: number;
  /** How long a connection may be without calls later, ms. Default: no limit. */
  readonly idleMs?: number;
}

/**
 * Ends connections of a grpc-js server that ask for nothing. grpc-js tells of a call only the address of its client. Unix
 * sockets have none: a call on one counts for all that are open.
 */
export class CallBounds {
  private readonly options: CallBoundsOptions;
  private readonly bounds: ConnectionBounds;
  private readonly sockets = new Map<string, Set<Socket>>();

  constructor(options: CallBoundsOptions) {
    this.options = options;
    this.bounds = new ConnectionBounds(options.clock);
  }

  /** Call this with each connection, before its first byte is read. */
  watch(socket: Socket): void {
    const key = keyOf(socket);
    const same = this.sockets.get(key) ?? new Set();
    this.sockets.set(key, same.add(socket));
    socket.once('close', () => {
      same.delete(socket);
      if (same.size === 0 && this.sockets.get(key) === same) this.sockets.delete(key);
    });
    this.bounds.expect(socket, this.options.firstCallMs);
  }

  /** For the options of the server. */
  readonly interceptor: ServerInterceptor = (_method, call) => {
    const { bounds } = this;
    let open = [...(this.sockets.get(keyOf(call.getConnectionInfo())) ?? [])];
    for (const socket of open) bounds.requestBegins(socket);
    const ended = (): void => {
      const { idleMs } = this.options;
      if (idleMs !== undefined) for (const socket of open) bounds.requestEnds(socket, idleMs);
      open = [];
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onCancel: () => ended(),
        }),
      sendStatus: (status, next) => {
        next(status);
        ended();
      },
    });
  };
}

function keyOf({
  remoteAddress = '',
  remotePort = 0,
}: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}): string {
  return `${remoteAddress}|${remotePort}`;
}
