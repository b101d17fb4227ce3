import { AgentMachine, createConnectIds } from '../../src/core/agent/machine.js';
import type { Endpoint, EndpointPort } from '../../src/core/agent/state.js';
import { TunnelMachine } from '../../src/core/client/machine.js';
import { ManualClock } from '../../src/core/clock.js';
import { noIdentifiers } from '../../src/core/identifiers.js';
import { dialId, type Packet, type PacketKind } from '../../src/core/packet.js';
import type { Drained } from '../../src/core/port.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { ServerMachine } from '../../src/core/server/machine.js';
import type { Backend, Frontend } from '../../src/core/server/state.js';
import { nextTurn } from './fair-turns.js';
import { ByteFlow, Ledger } from './invariants.js';
import { type MemoryEnd, memoryPair } from './memory-stream.js';

/** A gate that a reader or an endpoint shuts when it does not want more. */
class Gate implements Drained {
  congested = false;
  takenBytes = 0;
  private waiting: (() => void)[] = [];

  whenClear(resume: () => void): void {
    this.waiting.push(resume);
  }

  open(): void {
    this.congested = false;
    this.takenBytes += 1;
    const woken = this.waiting;
    this.waiting = [];
    for (const resume of woken) resume();
  }
}

/** One dial with its connection, from the client's call to the endpoint's socket. */
export class Call {
  readonly up: ByteFlow;
  readonly down: ByteFlow;
  readonly reader = new Gate();
  machine: TunnelMachine | undefined;
  /** The transport of the Proxy stream goes away. */
  lose: () => void = () => undefined;
  endpoint: { readonly port: ModelEndpoint; readonly agent: ModelAgent } | undefined;
  outcome: 'dialling' | 'open' | 'failed' | 'closed' = 'dialling';
  /** The client asked for the end. */
  closing = false;
  endpointEnded = false;
  /** The transport of its Proxy stream was lost. */
  cut = false;

  constructor(id: bigint) {
    this.up = new ByteFlow(Number(id) * 2, `up ${id}`);
    this.down = new ByteFlow(Number(id) * 2 + 1, `down ${id}`);
  }
}

class ModelEndpoint extends Gate implements EndpointPort {
  readonly endpoint: Endpoint;
  gone: 'finish' | 'destroy' | undefined;
  private readonly call: Call;

  constructor(endpoint: Endpoint, call: Call) {
    super();
    this.endpoint = endpoint;
    this.call = call;
  }

  write(data: Uint8Array): void {
    this.call.up.take(data);
  }

  finish(): void {
    this.gone ??= 'finish';
    this.open();
  }

  destroy(): void {
    this.gone ??= 'destroy';
    this.open();
  }
}

export interface ModelAgent {
  readonly machine: AgentMachine;
  readonly backend: Backend;
  readonly toServer: MemoryEnd;
  alive: boolean;
  /** The server has seen the end of its stream. */
  seenLost: boolean;
}

/** Clients, one server and its agents, joined by streams that the test delivers by hand. */
export class TunnelModel {
  readonly clock = new ManualClock();
  readonly calls: Call[] = [];
  readonly agents: ModelAgent[] = [];
  readonly clientDials = new Ledger<string>('client dial');
  readonly clientConnections = new Ledger<string>('client connection');
  readonly serverDials = new Ledger<string>('server dial');
  readonly serverConnections = new Ledger<string>('server connection');
  readonly agentDials = new Ledger<string>('agent dial');
  readonly endpoints = new Ledger<string>('endpoint');
  readonly server: ServerMachine;
  private readonly ends: MemoryEnd[] = [];
  /** In half of the runs all parts agree on flow control. */
  private readonly credits: boolean;
  /** The next packet of each kind that an agent stream carries is lost. */
  readonly toLose = new Set<PacketKind>();
  private readonly lossy: boolean;
  private readonly random: Random;

  /** `lossy`: agents and servers look for what was lost, and connections take turns on their streams. */
  constructor(seed: number, lossy = false) {
    this.credits = seed % 2 === 1;
    this.lossy = lossy;
    this.random = createRandom(seed);
    this.server = new ServerMachine({
      clock: this.clock,
      random: createRandom(seed),
      strategies: ['default'],
      backendDialTimeoutMs: 20_000,
      observer: {
        packet: () => undefined,
        dialStarted: ({ dialId: id }) => this.serverDials.begin(`${id}`),
        dialEstablished: ({ dialId: id }) => {
          this.serverDials.end(`${id}`);
          this.serverConnections.begin(`${id}`);
        },
        dialFailed: ({ dialId: id }, reason) => {
          if (reason !== 'no_agent') this.serverDials.end(`${id}`);
        },
        connectionClosed: ({ dialId: id }) => this.serverConnections.end(`${id}`),
        unrecognizedDialResponse: () => undefined,
        connectionStale: () => undefined,
        backendDraining: () => undefined,
      },
    });
  }

  /** Streams that have something to deliver. */
  deliverable(): MemoryEnd[] {
    return this.ends.filter((end) => end.deliverable);
  }

  /** Two agents in three share an agent ID, and all number their connections alike. */
  addAgent(): void {
    const [toServer, toAgent] = memoryPair();
    this.ends.push(toServer, toAgent);
    const index = this.agents.length;
    const agentId = index % 3 === 2 ? 'other' : 'same';
    const nextConnectId = createConnectIds();
    const machine = this.agentMachine(() => agent, { toServer, nextConnectId });
    toServer.owner = {
      packet: (packet) => (this.isLost(packet) ? undefined : machine.handlePacket(packet)),
      ended: () => {
        agent.alive = false;
        machine.serverLost();
      },
    };
    if (this.credits) machine.agreeOnCredits();
    if (this.lossy) {
      machine.agreeOnIds();
      for (const end of [toServer, toAgent]) end.nextOf = (inbox) => nextTurn(inbox, this.random);
    }
    const agreed = { credits: this.credits, ids: this.lossy };
    const identity = { agentId, identifiers: noIdentifiers, name: agentId, ...agreed };
    const backend = this.server.openBackend(identity, toAgent);
    const agent: ModelAgent = { machine, toServer, backend, alive: true, seenLost: false };
    toAgent.owner = {
      packet: (packet) =>
        this.isLost(packet) ? undefined : this.server.handleBackendPacket(backend, packet),
      ended: () => {
        agent.seenLost = true;
        this.server.closeBackend(backend);
      },
    };
    this.agents.push(agent);
  }

  dial(): void {
    const id = dialId(BigInt(this.calls.length + 1));
    const call = new Call(id);
    this.calls.push(call);
    const [toServer, toClient] = memoryPair();
    this.ends.push(toServer, toClient);
    const frontend: Frontend = this.server.openFrontend(`f${id}`, toClient, { credits: this.credits });
    toClient.owner = {
      packet: (packet) => this.server.handleFrontendPacket(frontend, packet),
      ended: () => this.server.closeFrontend(frontend),
    };
    const machine = this.clientMachine(call, id, toServer);
    toServer.owner = {
      packet: (packet) => machine.handlePacket(packet),
      ended: () => machine.streamLost('TUNNEL_CLOSED', ''),
    };
    if (this.credits) machine.agreeOnCredits();
    call.machine = machine;
    call.lose = () => {
      call.cut = true;
      toServer.cancel();
    };
    this.clientDials.begin(`${id}`);
    machine.dial();
  }

  /** Everything that must be empty when nothing is going on. */
  leftovers(): Record<string, number> {
    const { frontends, pendingDials, established } = this.server.state();
    const sum = (count: (agent: ModelAgent) => number): number =>
      this.agents.reduce((total, agent) => total + count(agent), 0);
    const ledgers = [
      ...[this.clientDials, this.clientConnections, this.serverDials],
      ...[this.serverConnections, this.agentDials, this.endpoints],
    ];
    return {
      frontends,
      pendingDials,
      established,
      dials: sum(({ backend }) => backend.dials.size),
      connections: sum(({ backend }) => backend.connections.size),
      endpoints: sum(({ machine }) => machine.endpoints.size),
      timers: this.clock.pendingTimers,
      unfinished: ledgers.reduce((total, { open }) => total + open.size, 0),
    };
  }

  private clientMachine(call: Call, id: ReturnType<typeof dialId>, stream: MemoryEnd): TunnelMachine {
    return new TunnelMachine({
      clock: this.clock,
      server: stream,
      dialId: id,
      address: 'x:1',
      flowControl: this.credits,
      dialTimeoutMs: 30_000,
      closeTimeoutMs: 10_000,
      readTimeoutMs: 10_000,
      user: {
        established: () => {
          call.outcome = 'open';
          this.clientDials.end(`${id}`);
          this.clientConnections.begin(`${id}`);
        },
        failed: (code) => {
          call.outcome = 'failed';
          this.clientDials.end(`${id}`);
          if (code === 'DIAL_TIMEOUT' || code === 'DIAL_CANCELLED') stream.cancel();
          else stream.finish();
        },
        data: (bytes) => {
          call.down.take(bytes);
          return call.reader;
        },
        closed: (error) => {
          call.outcome = 'closed';
          this.clientConnections.end(`${id}`);
          call.reader.open();
          this.checkEnd(call, error);
          if (error === '') stream.finish();
          else stream.cancel();
        },
        packet: () => undefined,
      },
    });
  }

  private isLost({ kind }: Packet): boolean {
    return this.toLose.delete(kind);
  }

  /** An end without an error, that the client did not ask for, may hide no byte. */
  private checkEnd(call: Call, error: string): void {
    const live = !call.closing && !call.cut && !call.endpointEnded;
    if (this.lossy && live) throw new Error(`a live connection was closed: ${error}`);
    if (error !== '' || call.closing) return;
    if (!call.endpointEnded) throw new Error('an orderly end that neither side asked for');
    if (!call.down.complete) throw new Error(`truncated: ${call.down.came} of ${call.down.written} bytes`);
  }

  private agentMachine(
    agent: () => ModelAgent,
    { toServer, nextConnectId }: { toServer: MemoryEnd; nextConnectId: ReturnType<typeof createConnectIds> },
  ): AgentMachine {
    const key = ({ dialId: id }: Endpoint): string => `${id}`;
    return new AgentMachine({
      clock: this.clock,
      server: toServer,
      nextConnectId,
      dialTimeoutMs: 5000,
      observer: {
        packet: () => undefined,
        dialStarted: (endpoint) => this.agentDials.begin(key(endpoint)),
        dialSucceeded: (endpoint) => {
          this.agentDials.end(key(endpoint));
          this.endpoints.begin(key(endpoint));
        },
        dialFailed: (endpoint) => this.agentDials.end(key(endpoint)),
        endpointClosed: (endpoint) => this.endpoints.end(key(endpoint)),
      },
      openEndpoint: (endpoint) => {
        const call = this.calls[Number(endpoint.dialId) - 1];
        if (call === undefined) throw new Error(`nobody dialled ${endpoint.dialId}`);
        const port = new ModelEndpoint(endpoint, call);
        call.endpoint = { port, agent: agent() };
        return port;
      },
    });
  }
}
