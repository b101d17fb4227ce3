import type { Clock } from '../clock.js';
import { type FaithfulSet, nothingFaithful } from '../faithful.js';
import type { AgentIdentifiers } from '../identifiers.js';
import type { ServerObserver } from '../observer.js';
import { type ConnectId, dispatch, type Packet } from '../packet.js';
import type { ClosablePort, Congestible, PacketPort } from '../port.js';
import type { Random } from '../random.js';
import { BackendTable, type StrategyName } from '../strategy.js';
import { UnreadAnswers } from '../unread-answers.js';
import { type AgentView, type Payload, sumPayload, viewAgents } from './agent-view.js';
import { backendHandlers, releaseBackend } from './backend-handlers.js';
import { type ServerBelief, viewConnections } from './connection-view.js';
import { createFrontend } from './frontend.js';
import { frontendHandlers, releaseFrontend } from './frontend-handlers.js';
import { createRounds } from './held.js';
import type { Backend, Connection, Frontend, FrontendKind, ServerContext } from './state.js';

export interface ServerMachineOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: ServerObserver;
  readonly strategies: readonly StrategyName[];
  readonly backendDialTimeoutMs: number;
  readonly faithful?: FaithfulSet;
  /** The bytes that wait for all frontends. Default: they have no bound together. */
  readonly together?: Congestible | undefined;
}

export interface BackendKind {
  readonly agentId: string;
  readonly identifiers: AgentIdentifiers;
  readonly name: string;
  /** Agent and server have agreed to flow control (R27). Default false. */
  readonly credits?: boolean;
  /** Agent and server have agreed to ask for quiet connections (R31). Default false. */
  readonly ids?: boolean;
}

export interface ServerState {
  readonly frontends: number;
  readonly backends: number;
  readonly pendingDials: number;
  /** Connections that are open at both ends. */
  readonly established: number;
  /** Frontend streams that were cut because they took nothing (R19). */
  readonly stalledFrontends: number;
  readonly readyBackends: readonly { readonly strategy: StrategyName; readonly size: number }[];
}

/**
 * The proxy-server's side of the protocol, without sockets. A stream is opened with the port that sends its packets;
 * packets that come in are passed in with their stream.
 *
 * `handleFrontendPacket` and `handleBackendPacket` return the queue that got the packet when it can be too full. The
 * driver then stops reading the source until the queue has room.
 */
export class ServerMachine {
  private readonly context: ServerContext;
  private readonly frontends = new Set<Frontend>();
  private readonly awaitingNoFrontends: (() => void)[] = [];

  constructor(options: ServerMachineOptions) {
    const { faithful = nothingFaithful } = options;
    this.context = {
      clock: options.clock,
      observer: options.observer,
      limits: { backendDialTimeoutMs: options.backendDialTimeoutMs },
      faithful,
      together: options.together,
      backends: new BackendTable<Backend>(options.strategies, options.random),
      counts: { pendingDials: 0, established: 0, stalledFrontends: 0 },
      ended: { toAgentBytes: 0, fromAgentBytes: 0 },
    };
  }

  openFrontend(name: string, port: ClosablePort, kind: FrontendKind = {}): Frontend {
    const release = (stalled: Frontend): void => releaseFrontend(this.context, stalled, 'frontend_stalled');
    const frontend = createFrontend(this.context, { name, port, kind, release });
    this.frontends.add(frontend);
    return frontend;
  }

  handleFrontendPacket(frontend: Frontend, packet: Packet): Congestible | undefined {
    this.context.observer.packet('from_client', frontend.name, packet);
    if (frontend.stopped) return undefined;
    return dispatch(frontendHandlers, { context: this.context, frontend }, packet);
  }

  closeFrontend(frontend: Frontend): void {
    if (this.frontends.delete(frontend)) releaseFrontend(this.context, frontend, 'frontend_lost');
    if (this.frontends.size === 0) for (const then of this.awaitingNoFrontends.splice(0)) then();
  }

  /** Calls `then` once: now if no frontend is open, else when the last one closes. */
  whenNoFrontends(then: () => void): void {
    if (this.frontends.size === 0) then();
    else this.awaitingNoFrontends.push(then);
  }

  openBackend({ credits = false, ids = false, ...agent }: BackendKind, port: PacketPort): Backend {
    const backend: Backend = {
      ...agent,
      credits,
      port,
      dials: new Map(),
      connections: this.connectionsOf(agent.agentId),
      draining: false,
      rounds: undefined,
      unreadAnswers: new UnreadAnswers(port),
      seenAt: this.context.clock.now(),
      seenBytes: 0,
      ended: { toAgentBytes: 0, fromAgentBytes: 0 },
    };
    if (ids) backend.rounds = createRounds(this.context, backend);
    this.context.backends.add(backend);
    return backend;
  }

  handleBackendPacket(backend: Backend, packet: Packet): Congestible | undefined {
    this.context.observer.packet('from_agent', backend.name, packet);
    if (packet.kind !== 'DATA') backend.seenAt = this.context.clock.now();
    return dispatch(backendHandlers, { context: this.context, backend }, packet);
  }

  closeBackend(backend: Backend): void {
    releaseBackend(this.context, backend);
  }

  /** The connections of this stream, or with `key-by-agent-id` of all streams of the agent. */
  private connectionsOf(agentId: string): Map<ConnectId, Connection> {
    const { faithful, backends } = this.context;
    const twin = faithful.has('key-by-agent-id')
      ? backends.all().find((other) => other.agentId === agentId)
      : undefined;
    return twin?.connections ?? new Map();
  }

  agents(): readonly AgentView[] {
    const { backends, clock } = this.context;
    return viewAgents(backends.all(), clock.now());
  }

  connections(): readonly ServerBelief[] {
    return viewConnections(this.context.backends.all());
  }

  payload(): Payload {
    return sumPayload(this.context.ended, this.context.backends.all());
  }

  /** The part of the state that dials change. */
  levels(): Pick<ServerState, 'pendingDials' | 'established'> {
    return this.context.counts;
  }

  state(): ServerState {
    const { backends, counts } = this.context;
    return {
      frontends: this.frontends.size,
      backends: backends.all().length,
      pendingDials: counts.pendingDials,
      established: counts.established,
      stalledFrontends: counts.stalledFrontends,
      readyBackends: backends.sizes(),
    };
  }
}
