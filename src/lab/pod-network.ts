import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { openPodPort, podsAt } from '../containers/pod-ports.js';
import type { NodeRuntime } from '../containers/runtime.js';
import type { NetworkSegment, NodeNetwork } from '../links/node-network.js';
import { joinStreams } from '../wire/net/join-streams.js';

/** The pods of one node, which agents can dial. */
export interface PodNetwork {
  /** Removes the addresses and ends all connections to them. Further calls do nothing. */
  close(): void;
}

const host = '127.0.0.1';

/** Makes a runtime's pods reachable: ports that are open in a pod answer at its address, all others refuse. */
export function joinPodNetwork(network: NodeNetwork, runtime: NodeRuntime): PodNetwork {
  const segment = new PodSegment(runtime);
  const leave = network.addSegment(segment);
  return {
    close: () => {
      leave();
      return segment.close();
    },
  };
}

class PodSegment implements NetworkSegment {
  private readonly runtime: NodeRuntime;
  private readonly closing = new AbortController();
  private readonly sockets = new Set<Socket>();

  constructor(runtime: NodeRuntime) {
    this.runtime = runtime;
  }

  has(address: string): boolean {
    return podsAt(this.runtime, address).length > 0;
  }

  async open(address: string, port: number): Promise<Socket | undefined> {
    const inside = await openPodPort(this.runtime, address, port, this.closing.signal);
    if (typeof inside === 'string') return undefined;
    return this.socketOf(inside).catch(() => undefined);
  }

  close(): void {
    this.closing.abort();
    for (const socket of this.sockets) socket.destroy();
  }

  /** A real socket, whose other end is joined with `inside`. Nobody else can take its place at the listener. */
  private async socketOf(inside: Duplex): Promise<Socket> {
    inside.on('error', () => undefined);
    // Two pipelines and the owners of the stream each listen for its end.
    inside.setMaxListeners(30);
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const arrived: Socket[] = [];
    server.on('connection', (socket) => void arrived.push(socket.on('error', () => undefined)));
    try {
      server.listen(0, host);
      await once(server, 'listening');
      const ours = connect({ host, port: (server.address() as AddressInfo).port, noDelay: true });
      ours.on('error', () => undefined);
      await once(ours, 'connect');
      const isOther = ({ remoteAddress, remotePort }: Socket): boolean =>
        remotePort !== ours.localPort || remoteAddress !== ours.localAddress;
      while (arrived.every(isOther)) await once(server, 'connection');
      for (const other of arrived.filter(isOther)) other.destroy();
      const far = arrived.find((socket) => !isOther(socket));
      if (far === undefined || this.closing.signal.aborted) ours.destroy();
      else this.join(far, inside);
      return ours;
    } catch (caught) {
      inside.destroy();
      throw caught;
    } finally {
      server.close();
    }
  }

  private join(socket: Socket, inside: Duplex): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    // When one side fails, both are destroyed. Nothing more is to do.
    joinStreams(socket, inside).catch(() => undefined);
  }
}
