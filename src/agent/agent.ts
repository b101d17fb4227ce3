import { joinHostPort } from '../core/address.js';
import { createConnectIds } from '../core/agent/machine.js';
import type { Endpoint } from '../core/agent/state.js';
import { SyncSchedule } from '../core/agent/sync.js';
import type { Timer } from '../core/clock.js';
import type { ConnectStep } from '../core/end-reasons.js';
import { TunnelError } from '../core/errors.js';
import type { LifecycleEvent } from '../core/events.js';
import { type FaithfulName, type FaithfulSet, faithfulSet } from '../core/faithful.js';
import { type AgentMetrics, createAgentMetrics } from '../observe/agent-metrics.js';
import type { AgentLevels } from '../observe/agent-own-metrics.js';
import { type Readiness, startHealthServer } from '../observe/health.js';
import type { PageServer } from '../observe/page-server.js';
import type { StreamEnd } from '../wire/carrier/packet-stream.js';
import type { ServerIdentity } from './announcement.js';
import { withDialFaults } from './dial-faults.js';
import { countFor } from './metrics-observer.js';
import { createAgentObserver } from './observer.js';
import type { AgentOptions } from './options.js';
import { ServerConnection } from './server-connection.js';
import { ServerCount } from './server-count.js';

export interface AgentState {
  readonly servers: readonly string[];
  readonly wantedServers: number;
  /** Endpoint connections and dials, over all servers. */
  readonly endpoints: number;
  readonly draining: boolean;
}

/** A dial or connection to an endpoint, as the agent believes it. */
export interface AgentBelief {
  readonly server: string;
  readonly dialId: string;
  readonly connectId: string;
  readonly address: string;
  readonly state: 'dialing' | 'open';
  /** Payload passed on so far. */
  readonly toEndpointBytes: number;
  readonly fromEndpointBytes: number;
}

/** The node's end of the tunnel: it dials out to the proxy-servers and dials endpoints for them. */
export class Agent {
  private readonly options: AgentOptions;
  private readonly node: string;
  private readonly faithful: FaithfulSet;
  private readonly nextConnectId = createConnectIds();
  private readonly schedule: SyncSchedule;
  private readonly metrics: AgentMetrics = createAgentMetrics(() => this.levels());
  private readonly connections = new Map<string, ServerConnection>();
  private readonly serverCount: ServerCount;
  private attempt: ServerConnection | undefined;
  /** Where the last attempt ended. Undefined when it could not begin. */
  private lastStep: ConnectStep | undefined;
  /** A round of the search runs, or waits for its turn. */
  private searching = false;
  private timer: Timer | undefined;
  private health: Promise<PageServer | undefined> | undefined;
  private stopped: Promise<void> | undefined;
  private address: string | undefined;
  private state: 'running' | 'draining' | 'stopped' = 'running';

  constructor(options: AgentOptions) {
    const { faults, connectEndpoint, clock } = options;
    this.options =
      faults === undefined
        ? options
        : { ...options, connectEndpoint: withDialFaults(connectEndpoint, faults, clock) };
    this.node = `agent/${options.name}`;
    this.faithful = faithfulSet(options);
    this.schedule = new SyncSchedule(options.sync, options.random);
    const { node, metrics } = this;
    this.serverCount = new ServerCount(options.serverCount ?? { source: 'default' }, {
      node,
      metrics,
      clock: options.clock,
      random: options.random,
      emit: options.emit,
    });
  }

  /** The address of `/healthz`, `/readyz` and `/metrics`: `host:port`. Undefined until `start` has bound it, and without one. */
  get healthAddress(): string | undefined {
    return this.address;
  }

  /** Starts to look for servers. Rejects with ADDRESS_IN_USE or ADDRESS_UNAVAILABLE for the health port. */
  async start(): Promise<void> {
    if (this.health !== undefined || this.state === 'stopped') return;
    const { emit, server, keepaliveTimeMs: keepaliveMs } = this.options;
    this.health = this.openHealth();
    const page = await this.health;
    if (page !== undefined) this.address = joinHostPort(page.host, page.port);
    if (this.isStopped()) return;
    emit({ kind: 'role.started', node: this.node, address: server, keepaliveMs });
    this.serverCount.start();
    void this.sync();
  }

  snapshot(): AgentState {
    const machines = [...this.connections.values()].map(({ machine }) => machine);
    return {
      servers: [...this.connections.keys()],
      wantedServers: this.serverCount.wanted(),
      endpoints: machines.reduce((sum, machine) => sum + machine.endpoints.size, 0),
      draining: this.state === 'draining',
    };
  }

  /** The dials and connections that it holds now. */
  beliefs(): readonly AgentBelief[] {
    return [...this.connections].flatMap(([server, { machine }]) =>
      [...machine.endpoints.values()].map(({ dialId, connectId, kind, address, ...endpoint }) => ({
        server: `server/${server}`,
        dialId: dialId.toString(),
        connectId: connectId.toString(),
        address,
        state: kind === 'dialing' ? 'dialing' : 'open',
        toEndpointBytes: endpoint.toEndpointBytes,
        fromEndpointBytes: endpoint.fromEndpointBytes,
      })),
    );
  }

  /** Asks the servers to choose other agents. Open connections continue. */
  drain(): void {
    if (this.state !== 'running') return;
    this.state = 'draining';
    this.timer?.cancel();
    this.options.emit({ kind: 'agent.draining', node: this.node });
    for (const { machine } of this.connections.values()) machine.drain();
  }

  /** Cuts every stream and every endpoint connection. Resolves when their sockets and the health port are closed. */
  stop(): Promise<void> {
    this.stopped ??= this.cut();
    return this.stopped;
  }

  private async openHealth(): Promise<PageServer | undefined> {
    const { health, clock } = this.options;
    if (health === undefined) return undefined;
    const ready = (): Readiness => this.readiness();
    return startHealthServer({ ...health, style: 'agent', ready, metrics: this.metrics, clock });
  }

  private async cut(): Promise<void> {
    this.state = 'stopped';
    this.timer?.cancel();
    const all = [...this.connections.values()];
    if (this.attempt !== undefined) all.push(this.attempt);
    const closed = all.map((connection) => connection.close());
    this.options.emit({ kind: 'role.stopped', node: this.node });
    const health = await this.health?.catch(() => undefined);
    await Promise.all([...closed, this.serverCount.close(), health?.close()]);
  }

  private isFaithful(name: FaithfulName): boolean {
    return this.faithful.has(name);
  }

  private isStopped(): boolean {
    return this.state === 'stopped';
  }

  private readiness(): Readiness {
    const text = 'no servers connected';
    const ok = this.connections.size > 0;
    const connected = { name: 'server-connected', failure: ok ? undefined : text };
    return { ok, text, checks: [{ name: 'ping' }, connected] };
  }

  /** One round of the search for servers: at most one new connection each time, as Konnectivity's agent. */
  private async sync(): Promise<void> {
    if (this.state !== 'running') return;
    if (!this.wantsMore() && !this.options.syncForever) return this.again(this.schedule.afterSuccess());
    this.searching = true;
    const delayMs = await this.search();
    this.searching = false;
    this.again(delayMs);
  }

  /** Resolves with the wait until the next round, ms. */
  private async search(): Promise<number> {
    try {
      const result = await this.inTurn(() => this.connectOnce());
      const delayMs = this.schedule.afterSuccess();
      if (result.kind === 'duplicate') {
        const { serverId } = result;
        this.reportRetry({ error: `duplicate server: ${serverId}`, peer: `server/${serverId}` }, delayMs);
      }
      return result.kind === 'added' && this.wantsMore() ? this.soonMs() : delayMs;
    } catch (error) {
      this.metrics.own.serverAttempt('failed');
      const { message, code } = TunnelError.from(error, 'SERVER_UNREACHABLE', this.node);
      const delayMs = this.schedule.afterFailure();
      const step = this.lastStep === undefined ? {} : { step: this.lastStep };
      this.reportRetry({ error: message, code, ...step }, delayMs);
      return delayMs;
    }
  }

  private wantsMore(): boolean {
    return this.connections.size < this.serverCount.show();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const { turns } = this.options;
    // An attempt without an end would keep its turn.
    if (turns === undefined || this.isFaithful('silent-server-hangs')) return work();
    return turns.during(async () => {
      if (this.state !== 'running') throw new Error('the agent stops');
      return work();
    });
  }

  private async connectOnce(): Promise<{ kind: 'added' } | { kind: 'duplicate'; serverId: string }> {
    this.options.emit({ kind: 'agent.connecting', node: this.node, address: this.options.server });
    this.lastStep = undefined;
    const connection: ServerConnection = new ServerConnection({
      agent: this.options,
      nextConnectId: this.isFaithful('connect-ids-per-server') ? createConnectIds() : this.nextConnectId,
      observe: (serverId) =>
        countFor(this.metrics, this.options.clock, createAgentObserver(this.options, serverId)),
      paused: () => this.metrics.own.paused(),
      ended: (end) => this.lost(connection, end),
    });
    this.attempt = connection;
    try {
      const identity = await connection.ready();
      if (this.state !== 'running' || !connection.alive) throw new Error('the server ended the stream');
      if (this.connections.has(identity.serverId)) {
        this.metrics.own.serverAttempt('duplicate');
        return { kind: 'duplicate', serverId: identity.serverId };
      }
      this.add(connection, identity);
      return { kind: 'added' };
    } finally {
      this.attempt = undefined;
      this.lastStep = connection.step;
      if (this.connections.get(connection.serverId) !== connection) void connection.close();
    }
  }

  private add(connection: ServerConnection, { serverId, serverCount }: ServerIdentity): void {
    this.connections.set(serverId, connection);
    this.metrics.own.serverAttempt('connected');
    this.serverCount.announce(serverCount);
    this.showServers();
    const { server: address, emit } = this.options;
    const { local } = connection;
    const more = { count: this.serverCount.wanted(), ...(local === undefined ? {} : { local }) };
    emit({ kind: 'agent.connected', node: this.node, peer: `server/${serverId}`, address, ...more });
  }

  private lost(connection: ServerConnection, { kind, text, code }: StreamEnd): void {
    const { serverId } = connection;
    // A failed attempt does not count as a failed connection, as in Konnectivity.
    if (this.connections.get(serverId) !== connection) return;
    if (kind === 'lost' && this.state !== 'stopped') {
      this.metrics.serverFailure('from_server');
      this.metrics.streamError('to_agent', code, 'Unknown');
    }
    this.metrics.own.serverLost();
    this.connections.delete(serverId);
    this.showServers();
    const error = text === '' ? 'the server ended the stream' : text;
    this.options.emit({ kind: 'agent.disconnected', node: this.node, peer: `server/${serverId}`, error });
    if (this.searching) return;
    // Soon, unless the server ends the connection again and again.
    const { clock, sync } = this.options;
    const shortLived = clock.now() - connection.startedAt < sync.intervalMs;
    this.again(shortLived ? this.schedule.afterFailure() : this.soonMs(this.schedule.afterLoss()));
  }

  /** The wait while servers are missing, ms. */
  private soonMs(leastMs = 0): number {
    return this.isFaithful('sync-waits-interval') ? this.schedule.afterSuccess() : leastMs;
  }

  private levels(): AgentLevels {
    const connections = [...this.connections.values()];
    const endpoints = connections.flatMap(({ machine }) => [...machine.endpoints.values()]);
    const sum = (read: (endpoint: Endpoint) => number): number =>
      endpoints.reduce((total, endpoint) => total + read(endpoint), 0);
    return {
      servers: connections.map(({ serverId, announcedServers }) => ({ serverId, announcedServers })),
      openPayload: {
        toEndpointBytes: sum(({ toEndpointBytes }) => toEndpointBytes),
        fromEndpointBytes: sum(({ fromEndpointBytes }) => fromEndpointBytes),
      },
      pendingDials: sum(({ kind }) => Number(kind === 'dialing')),
      draining: this.state === 'draining',
    };
  }

  private showServers(): void {
    this.metrics.openServerConnections.set(this.connections.size);
    this.serverCount.show();
  }

  private reportRetry(why: Pick<LifecycleEvent, 'error' | 'code' | 'step' | 'peer'>, delayMs: number): void {
    if (this.state !== 'running') return;
    const { server: address, emit } = this.options;
    emit({ kind: 'agent.retry', node: this.node, address, ...why, delayMs });
  }

  private again(delayMs: number): void {
    this.timer?.cancel();
    if (this.state !== 'running') return;
    this.timer = this.options.clock.after(delayMs, () => void this.sync());
  }
}
