import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NodeRuntime } from '../containers/runtime.js';
import type { Clock } from '../core/clock.js';
import type { NetworkSegment, NodeNetwork, RealAddress } from '../links/node-network.js';
import { joinStreams } from '../wire/net/join-streams.js';

/** The pods of one node, which agents can dial. */
export interface PodNetwork {
  /** Removes the addresses and ends all connections to them. Further calls do nothing. */
  close(): Promise<void>;
}

const host = '127.0.0.1';
/** An agent that does not connect within this time after its dial has gone, ms. */
const pickUpMs = 5000;

/** Makes a runtime's pods reachable: ports that are open in a pod answer at its address, all others refuse. */
export function joinPodNetwork(network: NodeNetwork, runtime: NodeRuntime, clock: Clock): PodNetwork {
  const segment = new PodSegment(runtime, clock);
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
  private readonly clock: Clock;
  private readonly closing = new AbortController();
  private readonly doors = new Set<Server>();
  private readonly sockets = new Set<Socket>();

  constructor(runtime: NodeRuntime, clock: Clock) {
    this.runtime = runtime;
    this.clock = clock;
  }

  has(address: string): boolean {
    return this.podAt(address) !== undefined;
  }

  async open(address: string, port: number): Promise<RealAddress | undefined> {
    const pod = this.podAt(address);
    if (pod === undefined) return undefined;
    const request = { namespace: pod.metadata.namespace, pod: pod.metadata.name, port };
    try {
      const inside = await this.runtime.portForward(request, this.closing.signal);
      return await this.door(inside);
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    const doors = [...this.doors].map((door) => new Promise<void>((resolve) => door.close(() => resolve())));
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(doors);
  }

  private podAt(address: string): ReturnType<NodeRuntime['listPods']>[number] | undefined {
    return this.runtime.listPods().find(({ status }) => status.podIP === address);
  }

  /** A listener for one connection, which comes soon. */
  private async door(inside: Duplex): Promise<RealAddress> {
    inside.on('error', () => undefined);
    // Two pipelines and the owners of the stream each listen for its end.
    inside.setMaxListeners(30);
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    this.doors.add(server);
    server.on('error', () => inside.destroy());
    const timer = this.clock.after(pickUpMs, () => inside.destroy());
    const shut = (): void => {
      timer.cancel();
      server.close();
      this.doors.delete(server);
    };
    inside.once('close', shut);
    server.once('connection', (socket) => {
      shut();
      socket.on('error', () => undefined);
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      // When one side fails, both are destroyed. Nothing more is to do.
      joinStreams(socket, inside).catch(() => undefined);
    });
    server.listen(0, host);
    await once(server, 'listening');
    return { host, port: (server.address() as AddressInfo).port };
  }
}
