import type { EventSink } from '../../src/core/events.js';
import type { Extension } from '../../src/core/extensions.js';
import { ConnectFrontend } from '../../src/core/http-connect/frontend.js';
import type { ConnectClient } from '../../src/core/http-connect/state.js';
import { noIdentifiers } from '../../src/core/identifiers.js';
import type { ServerObserver } from '../../src/core/observer.js';
import type { DialId, Packet } from '../../src/core/packet.js';
import { QueueFront } from '../../src/core/port.js';
import { WindowBudget } from '../../src/core/receive-window.js';
import { ServerMachine } from '../../src/core/server/machine.js';
import type { Backend, Frontend } from '../../src/core/server/state.js';
import { SharedBacklog } from '../../src/core/shared-backlog.js';
import { bothObservers } from '../../src/server/both-observers.js';
import { createEventObserver } from '../../src/server/observer.js';
import { defaultBackendDialTimeoutMs, defaultStrategies } from '../../src/server/options.js';
import { expectNothing } from '../support/invariants.js';
import type { MemoryEnd, MemoryOwner } from '../support/memory-stream.js';
import { type Flow, marks } from './network.js';
import { type Surroundings, takeTurns } from './surroundings.js';

/** What a server tells an agent first. */
export interface Welcome {
  readonly serverId: string;
  readonly serverCount: number;
  readonly agreed: readonly Extension[];
}

/** What an agent sends first. */
export interface AgentHello {
  readonly agentId: string;
  /** Dials to these hosts are for it. */
  readonly hosts: readonly string[];
  readonly extensions: readonly Extension[];
  readonly welcome: (welcome: Welcome) => void;
}

export interface MemoryServerOptions {
  /** `server-1`. */
  readonly name: string;
  readonly serverCount: number;
}

interface Stream {
  die(silent: boolean): void;
  cut(): void;
}

/** A proxy-server whose streams are in memory. Each start is a new process, which knows nothing of the one before. */
export class MemoryServer {
  readonly name: string;
  /** `server/server-1`. */
  readonly node: string;
  /** The agents' streams. */
  readonly backends = new Map<Flow<Packet>, Backend>();
  machine: ServerMachine;
  together: SharedBacklog | undefined;
  /** `killed`: its host refuses connections. `gone`: its host does not answer. */
  state: 'up' | 'killed' | 'gone' = 'up';
  private readonly world: Surroundings;
  private readonly serverCount: number;
  private readonly streams = new Set<Stream>();
  private readonly windowBudget = new WindowBudget();
  private starts = 0;
  private opened = 0;

  constructor(world: Surroundings, { name, serverCount }: MemoryServerOptions) {
    this.world = world;
    this.name = name;
    this.node = `server/${name}`;
    this.serverCount = serverCount;
    this.machine = this.createMachine();
  }

  start(): void {
    if (this.state === 'up') return;
    this.state = 'up';
    this.machine = this.createMachine();
  }

  /** Ends the process. `silent`: with its host, so that no peer is told. */
  stop(silent: boolean): void {
    if (this.state !== 'up') return;
    this.state = silent ? 'gone' : 'killed';
    this.world.emit({ kind: 'role.killed', node: this.node });
    const streams = [...this.streams];
    for (const end of streams) end.die(silent);
    for (const end of streams) end.cut();
    const { frontends, backends, pendingDials, established } = this.machine.state();
    expectNothing({ frontends, backends, pendingDials, established });
  }

  /** A connection reaches its host behind all that was sent before: it is served, refused, or never answered. */
  meet<Item>(flow: Flow<Item>, serve: () => void): void {
    flow.carry('up', () => {
      if (flow.server.over || this.state === 'gone') return;
      if (this.state === 'up') return serve();
      flow.server.die(true);
      flow.server.cut();
      flow.carry('down', () => flow.dialler.cut());
    });
  }

  acceptAgent(flow: Flow<Packet>, { agentId, hosts, extensions, welcome }: AgentHello): void {
    const { name, serverCount, machine, world } = this;
    const agreed = extensions.filter((extension) => world.extensions.includes(extension));
    flow.carry('down', () => welcome({ serverId: name, serverCount, agreed }));
    const agent = { agentId, identifiers: { ...noIdentifiers, host: hosts }, name: `agent/${agentId}` };
    const backend = machine.openBackend(
      { ...agent, credits: agreed.includes('fc1'), ids: agreed.includes('ids1') },
      flow.server,
    );
    takeTurns(flow.server, world);
    this.backends.set(flow, backend);
    const owner = {
      packet: (packet: Packet) => machine.handleBackendPacket(backend, packet),
      ended: (how: 'finished' | 'lost') => {
        this.streams.delete(flow.server);
        this.backends.delete(flow);
        machine.closeBackend(backend);
        world.emit({ kind: 'backend.disconnected', node: this.node, peer: agent.name, error: how });
      },
    };
    this.streams.add(flow.server);
    flow.serve(flow.server, world.packetFaults.before(flow.server, owner));
    world.emit({ kind: 'backend.connected', node: this.node, peer: agent.name });
  }

  acceptGrpc(
    flow: Flow<Packet>,
    client: { readonly flowControl: boolean; readonly accepted: (credits: boolean) => void },
  ): void {
    const { machine, world } = this;
    const credits = client.flowControl && world.extensions.includes('fc1');
    flow.carry('down', () => client.accepted(credits));
    const frontend = machine.openFrontend(this.frontendName(), flow.server, { credits });
    this.serveFrontend(flow, {
      packet: (packet) => machine.handleFrontendPacket(frontend, packet),
      ended: () => machine.closeFrontend(frontend),
    });
  }

  acceptConnect(
    flow: Flow<Uint8Array>,
    { dialId, address }: { readonly dialId: DialId; readonly address: string },
  ): void {
    const { machine, world, windowBudget } = this;
    const { clock, faithful, extensions } = world;
    const credits = extensions.includes('fc1');
    const connect: ConnectFrontend = new ConnectFrontend({
      ...{ clock, dialId, address, faithful, client: new ConnectPort(flow.server) },
      windowBudget: credits ? windowBudget : undefined,
      toServer: (packet) => machine.handleFrontendPacket(frontend, packet),
    });
    const kind = { protocol: 'http-connect', credits } as const;
    const frontend: Frontend = machine.openFrontend(this.frontendName(), connect, kind);
    this.serveFrontend(flow, {
      packet: (bytes) => connect.received(bytes),
      took: (bytes) => connect.took(bytes),
      ended: () => {
        connect.clientGone();
        machine.closeFrontend(frontend);
      },
    });
    connect.dial();
  }

  private serveFrontend<Item>(flow: Flow<Item>, owner: MemoryOwner<Item>): void {
    const end = flow.server;
    this.streams.add(end);
    flow.serve(end, {
      ...owner,
      ended: (how) => {
        this.streams.delete(end);
        owner.ended(how);
      },
    });
  }

  private frontendName(): string {
    this.opened += 1;
    return `client/frontend-${this.opened}`;
  }

  private createMachine(): ServerMachine {
    const { clock, random, faithful, emit } = this.world;
    this.starts += 1;
    this.together = faithful.has('head-of-line-blocking') ? undefined : new SharedBacklog(clock, marks);
    emit({ kind: 'role.started', node: this.node });
    return new ServerMachine({
      ...{ clock, random, faithful, together: this.together },
      strategies: defaultStrategies,
      backendDialTimeoutMs: defaultBackendDialTimeoutMs(faithful),
      observer: this.observer(`${this.name}#${this.starts}`, emit),
    });
  }

  private observer(process: string, emit: EventSink): ServerObserver {
    const { serverDials, serverConnections } = this.world.ledgers;
    const ignore = (): void => undefined;
    const ledgers: ServerObserver = {
      dialStarted: (dial) => serverDials.begin(dial),
      dialEstablished(dial, connectId) {
        serverDials.end(dial);
        serverConnections.begin(`${process} ${dial.dialId} ${connectId}`);
      },
      dialFailed(dial) {
        // Others were refused before any agent was asked.
        if (dial.startedAt !== undefined) serverDials.end(dial);
      },
      connectionClosed: ({ dialId, connectId }) => serverConnections.end(`${process} ${dialId} ${connectId}`),
      ...{
        packet: ignore,
        unrecognizedDialResponse: ignore,
        connectionStale: ignore,
        backendDraining: ignore,
      },
    };
    return bothObservers(ledgers, createEventObserver(this.node, emit));
  }
}

/** The server's port to a CONNECT client. */
class ConnectPort extends QueueFront<MemoryEnd<Uint8Array>> implements ConnectClient {
  constructor(end: MemoryEnd<Uint8Array>) {
    super(end);
  }

  write(bytes: Uint8Array): void {
    this.queue.send(bytes);
  }

  end(ended: () => void): void {
    this.queue.finish();
    ended();
  }

  destroy(): void {
    this.queue.cancel();
  }
}
