import { AgentMachine, createConnectIds } from '../../src/core/agent/machine.js';
import type { Endpoint, EndpointPort } from '../../src/core/agent/state.js';
import { TunnelMachine } from '../../src/core/client/machine.js';
import { ManualClock } from '../../src/core/clock.js';
import { ConnectFrontend } from '../../src/core/http-connect/frontend.js';
import { noIdentifiers } from '../../src/core/identifiers.js';
import { dialId, type Packet, payloadBytes } from '../../src/core/packet.js';
import type { Congestible } from '../../src/core/port.js';
import { createRandom } from '../../src/core/random.js';
import { WindowBudget, windowBytes } from '../../src/core/receive-window.js';
import { ServerMachine } from '../../src/core/server/machine.js';
import { type MemoryEnd, memoryPair } from './memory-stream.js';

export const largestWrite = 700_000;
/** No multiple of any packet, so that a piece that is missing or comes twice shows. */
const period = 999_983;
const pattern = Buffer.alloc(period + largestWrite);
for (let at = 0; at < period; at += 1) pattern[at] = Math.imul(at, 2_654_435_761) >>> 24;
pattern.copy(pattern, period, 0, largestWrite);

/** One direction of a connection: what was written, has come, was taken, and may be under way. */
export class Flow {
  written = 0;
  came = 0;
  taken = 0;
  /** Sent, and not covered by credit. */
  uncredited = 0;
  /** What the writer waits for. */
  full: Congestible | undefined;

  next(bytes: number): Uint8Array {
    const at = this.written % period;
    this.written += bytes;
    return pattern.subarray(at, at + bytes);
  }

  take(bytes: Uint8Array): void {
    const at = this.came % period;
    if (!pattern.subarray(at, at + bytes.length).equals(bytes))
      throw new Error(`other bytes at ${this.came}`);
    this.came += bytes.length;
  }

  /** Watches what its sender sends and gets. */
  sent(packet: Packet): void {
    if (packet.kind === 'DATA') this.uncredited += payloadBytes(packet);
    if (this.uncredited > windowBytes) throw new Error(`${this.uncredited} bytes without credit`);
  }

  got(packet: Packet): void {
    if (packet.kind === 'WINDOW_UPDATE') this.uncredited -= packet.credit;
  }
}

/** One connection. `client` and `endpoint` are what its drivers would do. */
export class Connection {
  readonly up = new Flow();
  readonly down = new Flow();
  endpoint: Endpoint | undefined;
  client: { write(bytes: Uint8Array): Congestible | undefined; took(bytes: number): void; close(): void } = {
    write: () => undefined,
    took: () => undefined,
    close: () => undefined,
  };
  /** The client's connection has ended. */
  over = false;
  closedBy: 'client' | 'endpoint' | undefined;
}

/** Connections with flow control over one agent: gRPC clients, and one of HTTP CONNECT. */
export class CreditModel {
  readonly connections: Connection[] = [];
  readonly agent: AgentMachine;
  private readonly clock = new ManualClock();
  private readonly server: ServerMachine;
  private readonly streams: MemoryEnd[] = [];

  constructor(grpcClients: number) {
    this.server = new ServerMachine({
      clock: this.clock,
      random: createRandom(1),
      strategies: ['default'],
      backendDialTimeoutMs: 0,
      observer: {
        ...{ packet: () => undefined, dialStarted: () => undefined, dialEstablished: () => undefined },
        ...{ dialFailed: () => undefined, unrecognizedDialResponse: () => undefined },
        ...{ connectionClosed: () => undefined, connectionStale: () => undefined },
        backendDraining: () => undefined,
      },
    });
    this.agent = this.createAgent();
    for (let count = 0; count < grpcClients; count += 1) this.dialByGrpc();
    this.dialByConnect();
    this.deliverAll();
    for (const { endpoint } of this.connections) if (endpoint) this.agent.dialSucceeded(endpoint);
    this.deliverAll();
  }

  deliverable(): MemoryEnd[] {
    return this.streams.filter((end) => end.deliverable);
  }

  deliverAll(): void {
    for (let left = this.deliverable(); left.length > 0; left = this.deliverable()) left[0]?.deliver();
  }

  endpointWrites({ endpoint, down }: Connection, bytes: number): void {
    if (endpoint?.kind === 'open') down.full = this.agent.endpointData(endpoint, down.next(bytes));
  }

  endpointTakes({ endpoint, up }: Connection, bytes: number): void {
    up.taken += bytes;
    if (endpoint !== undefined) this.agent.endpointTook(endpoint, bytes);
  }

  private createAgent(): AgentMachine {
    const [toServer, toAgent] = memoryPair();
    this.streams.push(toServer, toAgent);
    const byId = (packet: Packet): Connection | undefined =>
      this.connections.find(
        ({ endpoint }) => 'connectId' in packet && endpoint?.connectId === packet.connectId,
      );
    const agent = new AgentMachine({
      clock: this.clock,
      server: toServer,
      nextConnectId: createConnectIds(),
      dialTimeoutMs: 5000,
      observer: {
        packet: (direction, packet) => {
          if (direction === 'to_server') byId(packet)?.down.sent(packet);
          else byId(packet)?.down.got(packet);
        },
        ...{ dialStarted: () => undefined, dialSucceeded: () => undefined },
        ...{ dialFailed: () => undefined, endpointClosed: () => undefined },
      },
      openEndpoint: (endpoint) => this.endpointPort(endpoint),
    });
    agent.agreeOnCredits();
    const identity = { agentId: 'a', identifiers: noIdentifiers, name: 'agent/a', credits: true };
    const backend = this.server.openBackend(identity, toAgent);
    toServer.owner = {
      packet: (packet) => neverFull(agent.handlePacket(packet)),
      ended: () => undefined,
    };
    toAgent.owner = {
      packet: (packet) => neverFull(this.server.handleBackendPacket(backend, packet)),
      ended: () => undefined,
    };
    return agent;
  }

  private endpointPort(endpoint: Endpoint): EndpointPort {
    const connection = this.connections[Number(endpoint.dialId) - 1];
    if (connection === undefined) throw new Error('nobody dialled');
    connection.endpoint = endpoint;
    return {
      write: (bytes) => connection.up.take(bytes),
      ...{ finish: () => undefined, destroy: () => undefined },
      ...{ congested: false, takenBytes: 0, whenClear: () => undefined },
    };
  }

  private dialByGrpc(): void {
    const connection = new Connection();
    const { up, down } = connection;
    const id = this.connections.push(connection);
    const toServer = this.frontendStream(id);
    const machine: TunnelMachine = new TunnelMachine({
      ...{
        clock: this.clock,
        server: toServer,
        dialId: dialId(BigInt(id)),
        address: 'x:1',
        flowControl: true,
      },
      ...{ dialTimeoutMs: 30_000, closeTimeoutMs: 10_000, readTimeoutMs: 0 },
      user: {
        established: () => undefined,
        failed: (_code, text) => {
          throw new Error(text);
        },
        data: (bytes) => {
          down.take(bytes);
          return undefined;
        },
        closed: (error) => this.end(connection, error),
        packet: (direction, packet) => (direction === 'out' ? up.sent(packet) : up.got(packet)),
      },
    });
    machine.agreeOnCredits();
    toServer.owner = {
      packet: (packet) => neverFull(machine.handlePacket(packet)),
      ended: () => undefined,
    };
    connection.client = machine;
    machine.dial();
  }

  private frontendStream(id: number): MemoryEnd {
    // As much as 4 MiB may wait for a frontend, which is more than its window.
    const [toServer, toClient] = memoryPair({ marks: { highBytes: 1000, lowBytes: 1000 } });
    this.streams.push(toServer, toClient);
    const frontend = this.server.openFrontend(`f${id}`, toClient, { credits: true });
    toClient.owner = {
      packet: (packet) => this.server.handleFrontendPacket(frontend, packet),
      ended: () => this.server.closeFrontend(frontend),
    };
    return toServer;
  }

  private dialByConnect(): void {
    const connection = new Connection();
    const { up, down } = connection;
    const id = this.connections.push(connection);
    let answered = false;
    const connect: ConnectFrontend = new ConnectFrontend({
      ...{ clock: this.clock, address: 'x:1', dialId: dialId(BigInt(id)), windowBudget: new WindowBudget() },
      client: {
        write: (bytes) => {
          // The answer of HTTP is no payload.
          if (answered) down.take(bytes);
          else connect.took(bytes.length);
          answered = true;
        },
        end: () => this.end(connection, ''),
        ...{ destroy: () => undefined, congested: false, takenBytes: 0, whenClear: () => undefined },
      },
      toServer: (packet) => {
        up.sent(packet);
        return this.server.handleFrontendPacket(frontend, packet);
      },
    });
    const port = Object.assign(Object.create(connect) as ConnectFrontend, {
      send: (packet: Packet): void => {
        up.got(packet);
        connect.send(packet);
      },
    });
    const frontend = this.server.openFrontend(`f${id}`, port, { protocol: 'http-connect', credits: true });
    connection.client = {
      write: (bytes) => connect.received(bytes),
      took: (bytes) => connect.took(bytes),
      close: () => connect.clientEnded(),
    };
    connect.dial();
  }

  /** An end that the client did not ask for comes from the endpoint, after all that it wrote. */
  private end(connection: Connection, error: string): void {
    const { closedBy, down } = connection;
    connection.over = true;
    if (error !== '') throw new Error(error);
    if (closedBy === undefined) throw new Error('an end that nobody asked for');
    if (closedBy === 'endpoint' && down.came < down.written) throw new Error('truncated');
  }
}

/** R28: no stream that others share is paused. */
function neverFull(full: Congestible | undefined): undefined {
  if (full?.congested === true) throw new Error('a stream is paused for a connection with flow control');
  return undefined;
}
