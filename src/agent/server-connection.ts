import { Metadata } from '@grpc/grpc-js';
import { AgentMachine, type AgentObserver } from '../core/agent/machine.js';
import type { ConnectId } from '../core/packet.js';
import { GrpcPacketStream } from '../wire/grpc-packet-stream.js';
import type { StreamEnd } from '../wire/packet-stream.js';
import { TunnelChannel, type TunnelClientCall } from '../wire/tunnel-service.js';
import { Announcement, type ServerIdentity } from './announcement.js';
import { EndpointSocket } from './endpoint-socket.js';
import type { AgentOptions } from './options.js';

export interface ServerConnectionOptions {
  readonly agent: AgentOptions;
  readonly nextConnectId: () => ConnectId;
  readonly observe: (serverId: () => string) => AgentObserver;
  /** Called once when the stream is over, also when it never came up. */
  readonly ended: (end: StreamEnd) => void;
}

/** One HTTP/2 connection with one Connect stream: the agent's end of a tunnel to one proxy-server. */
export class ServerConnection {
  readonly machine: AgentMachine;
  readonly startedAt: number;
  private readonly options: ServerConnectionOptions;
  private readonly channel: TunnelChannel;
  private readonly stream: GrpcPacketStream;
  private readonly announcement: Announcement;
  /** Also those that are no connection any more, but still finish. */
  private readonly sockets = new Set<EndpointSocket>();
  private whenNoSocket: (() => void)[] = [];
  private over = false;

  /** Throws CERT_INVALID, and what the agent's own metadata throws. */
  constructor(options: ServerConnectionOptions) {
    this.options = options;
    const { agent } = options;
    const { server: address, tls, keepaliveTimeMs, serverName } = agent;
    const metadata = requestMetadata(agent);
    const named = serverName === undefined ? {} : { serverName };
    this.startedAt = agent.clock.now();
    this.channel = new TunnelChannel({ address, tls, keepaliveTimeMs, ...named });
    const call = this.channel.open('Connect', metadata);
    this.announcement = new Announcement(agent);
    call.on('metadata', (received: Metadata) => this.announcement.receive(received));
    this.stream = this.openStream(call);
    this.machine = this.createMachine();
  }

  /** Empty until the server has announced itself. */
  get serverId(): string {
    return this.announcement.identity?.serverId ?? '';
  }

  /** True until the stream has ended. */
  get alive(): boolean {
    return !this.over;
  }

  /** Resolves when the server has announced itself; rejects when it does not, or does it wrongly. */
  ready(): Promise<ServerIdentity> {
    return this.announcement.promise;
  }

  /** Ends the stream and everything that runs over it. Resolves when no endpoint socket is left. */
  close(): Promise<void> {
    this.stream.cancel();
    this.channel.close();
    for (const socket of this.sockets) socket.destroy();
    if (this.sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenNoSocket.push(resolve));
  }

  private openStream(call: TunnelClientCall): GrpcPacketStream {
    return new GrpcPacketStream(call, {
      packet: (packet) => this.machine.handlePacket(packet),
      ended: (end) => {
        this.over = true;
        this.announcement.fail(end.text === '' ? 'the server ended the stream' : end.text);
        this.machine.serverLost();
        this.channel.close();
        this.options.ended(end);
      },
    });
  }

  private createMachine(): AgentMachine {
    const { agent, nextConnectId, observe } = this.options;
    const { clock, dialTimeoutMs, connectEndpoint: connect } = agent;
    const machine: AgentMachine = new AgentMachine({
      clock,
      observer: observe(() => this.serverId),
      server: this.stream,
      nextConnectId,
      dialTimeoutMs,
      openEndpoint: (endpoint) => {
        const gone = (): void => this.forget(socket);
        const socket = new EndpointSocket({ machine, endpoint, connect, dialTimeoutMs, clock, gone });
        this.sockets.add(socket);
        return socket;
      },
    });
    return machine;
  }

  private forget(socket: EndpointSocket): void {
    this.sockets.delete(socket);
    if (this.sockets.size > 0) return;
    const told = this.whenNoSocket;
    this.whenNoSocket = [];
    for (const resolve of told) resolve();
  }
}

function requestMetadata({ agentId, identifiers, metadata = () => ({}) }: AgentOptions): Metadata {
  const request = new Metadata();
  for (const [key, value] of Object.entries(metadata())) request.set(key, value);
  request.set('agentid', agentId);
  request.set('agentidentifiers', identifiers);
  return request;
}
