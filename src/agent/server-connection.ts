import { AgentMachine } from '../core/agent/machine.js';
import type { AgentObserver } from '../core/agent/state.js';
import type { Timer } from '../core/clock.js';
import type { ConnectStep } from '../core/end-reasons.js';
import { extensionsOf } from '../core/extensions.js';
import { faithfulSet, hasFlowControl } from '../core/faithful.js';
import type { ConnectId } from '../core/packet.js';
import { noFaults } from '../links/fault-points.js';
import { type CallMetadata, extensionMetadata, sharedExtensions } from '../wire/carrier/call-headers.js';
import type { CarriedStream } from '../wire/carrier/carried-stream.js';
import type { PingStep } from '../wire/carrier/keepalive.js';
import type { PacketStreamOwner, StreamEnd } from '../wire/carrier/packet-stream.js';
import { TunnelConnection } from '../wire/carrier/tunnel-connection.js';
import { currentTls } from '../wire/net/tls.js';
import { Announcement, type ServerIdentity } from './announcement.js';
import { EndpointSocket } from './endpoint-socket.js';
import type { AgentOptions } from './options.js';

export interface ServerConnectionOptions {
  readonly agent: AgentOptions;
  readonly nextConnectId: () => ConnectId;
  readonly observe: (serverId: () => string) => AgentObserver;
  /** Called when the server is not read because an endpoint is full. */
  readonly paused: () => void;
  /** Called once when the stream has ended, also when it was never open. */
  readonly ended: (end: StreamEnd) => void;
}

/** One HTTP/2 connection with one Connect stream: the agent's end of a tunnel to one proxy-server. */
export class ServerConnection {
  readonly machine: AgentMachine;
  readonly startedAt: number;
  private readonly options: ServerConnectionOptions;
  private readonly connection: TunnelConnection;
  private readonly stream: CarriedStream;
  private readonly announcement: Announcement;
  /** All sockets, also those whose connection has ended but which still finish. */
  private readonly sockets = new Set<EndpointSocket>();
  private whenNoSocket: (() => void)[] = [];
  private over = false;
  private nextProbe: Timer | undefined;

  /** Throws CERT_INVALID, and the error of the agent's `metadata`. */
  constructor(options: ServerConnectionOptions) {
    this.options = options;
    const { agent } = options;
    const metadata = requestMetadata(agent);
    this.startedAt = agent.clock.now();
    this.connection = openConnection(agent, (ping) => this.pinged(ping));
    this.announcement = new Announcement(agent);
    const { packets } = this.connection.open('Connect', metadata, {
      accepted: (headers) => {
        this.announcement.receive(headers);
        const agreed = sharedExtensions(headers, extensionsOf(agent));
        if (agreed.includes('fc1')) this.machine.agreeOnCredits();
        if (agreed.includes('ids1')) this.machine.agreeOnIds();
        this.probe();
      },
      tuning: {
        growWindow: agent.clock,
        fair: hasFlowControl(agent),
        below: () => this.connection.backlog,
      },
    });
    this.stream = packets;
    this.machine = this.createMachine();
    this.stream.start(this.owner());
  }

  /** Empty until the server has announced itself. */
  get serverId(): string {
    return this.announcement.identity?.serverId ?? '';
  }

  get announcedServers(): number {
    return this.announcement.identity?.serverCount ?? 0;
  }

  /** What the connection does, or did when it was lost. */
  get step(): ConnectStep {
    return this.connection.step;
  }

  /** The agent's address on it: `host:port`. */
  get local(): string | undefined {
    return this.connection.local;
  }

  get alive(): boolean {
    return !this.over;
  }

  /** Resolves when the server has announced itself. Rejects when it does not, or when the announcement is wrong. */
  ready(): Promise<ServerIdentity> {
    return this.announcement.promise;
  }

  /** Ends the stream and all its connections. Resolves when no endpoint socket is open. */
  close(): Promise<void> {
    this.stream.cancel();
    this.connection.cut();
    for (const socket of this.sockets) socket.destroy();
    if (this.sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenNoSocket.push(resolve));
  }

  private pinged(ping: PingStep): void {
    const { emit, name } = this.options.agent;
    const { serverId, local } = this;
    const where = local === undefined ? {} : { address: local };
    emit({ ...ping, node: `agent/${name}`, peer: `server/${serverId}`, ...where });
  }

  private owner(): PacketStreamOwner {
    return {
      packet: (packet) => this.machine.handlePacket(packet),
      paused: (paused) => {
        if (paused) this.options.paused();
      },
      ended: (end) => {
        this.over = true;
        this.nextProbe?.cancel();
        this.announcement.fail(end.text === '' ? 'the server ended the stream' : end.text);
        this.machine.serverLost();
        this.connection.cut();
        this.options.ended(end);
      },
    };
  }

  private probe(): void {
    const { clock, probeIntervalMs = 0 } = this.options.agent;
    if (probeIntervalMs <= 0 || this.over) return;
    this.nextProbe = clock.after(probeIntervalMs, () => {
      if (this.connection.ready) this.probe();
      else this.stream.cancel('the connection is not ready');
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
      faithful: faithfulSet(agent),
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

function openConnection(agent: AgentOptions, pinged: (ping: PingStep) => void): TunnelConnection {
  const {
    clock,
    server: address,
    keepaliveTimeMs,
    serverName,
    alpnProtocols = [],
    proxy,
    openServer,
    faults = noFaults,
    handshakes,
  } = agent;
  const named = serverName === undefined ? {} : { serverName };
  const secure = agent.tls === 'none' ? {} : { tls: currentTls(agent.tls) };
  return new TunnelConnection({
    ...{ clock, address, ...secure, keepaliveTimeMs, alpnProtocols, eager: true, proxy, ...named },
    openSocket: openServer,
    isPingLost: () => faults.meet('losePings') !== undefined,
    handshakes,
    pinged,
  });
}

function requestMetadata(agent: AgentOptions): CallMetadata {
  const { metadata = () => ({}), faults = noFaults } = agent;
  const { agentId = agent.agentId, identifiers = agent.identifiers } = faults.meet('claim') ?? {};
  const offered = extensionMetadata(extensionsOf(agent));
  return { ...metadata(), ...offered, agentid: agentId, agentidentifiers: identifiers };
}
