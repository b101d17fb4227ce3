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

/** Ends connections of a grpc-js server that ask for nothing. Only TCP: grpc-js tells no Unix socket of a call. */
export class CallBounds {
  private readonly options: CallBoundsOptions;
  private readonly bounds: ConnectionBounds;
  private readonly sockets = new Map<string, Socket>();

  constructor(options: CallBoundsOptions) {
    this.options = options;
    this.bounds = new ConnectionBounds(options.clock);
  }

  /** Call this with each connection, before its first byte is read. */
  watch(socket: Socket): void {
    const key = keyOf(socket);
    this.sockets.set(key, socket);
    socket.once('close', () => this.sockets.delete(key));
    this.bounds.expect(socket, this.options.firstCallMs);
  }

  /** For the options of the server. */
  readonly interceptor: ServerInterceptor = (_method, call) => {
    const { bounds } = this;
    const socket = this.sockets.get(keyOf(call.getConnectionInfo()));
    if (socket !== undefined) bounds.requestBegins(socket);
    let open = socket;
    const ended = (): void => {
      const { idleMs } = this.options;
      if (open !== undefined && idleMs !== undefined) bounds.requestEnds(open, idleMs);
      open = undefined;
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
