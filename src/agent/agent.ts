import { joinHostPort } from '../core/address.js';
import { createConnectIds } from '../core/agent/machine.js';
import { SyncSchedule, wantedServers } from '../core/agent/sync.js';
import type { Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { type AgentMetrics, createAgentMetrics } from '../observe/agent-metrics.js';
import { type Readiness, startHealthServer } from '../observe/health.js';
import type { PageServer } from '../observe/page-server.js';
import type { StreamEnd } from '../wire/packet-stream.js';
import type { ServerIdentity } from './announcement.js';
import { countFor } from './metrics-observer.js';
import { createAgentObserver } from './observer.js';
import type { AgentOptions } from './options.js';
import { ServerConnection } from './server-connection.js';

/** What an agent holds at one moment. */
export interface AgentState {
  readonly servers: readonly string[];
  readonly wantedServers: number;
  /** Endpoint connections and dials, over all servers. */
  readonly endpoints: number;
  readonly draining: boolean;
}

/** The node's end of the tunnel: it dials out to the proxy-servers and dials endpoints for them. */
export class Agent {
  private readonly options: AgentOptions;
  private readonly node: string;
  private readonly nextConnectId = createConnectIds();
  private readonly schedule: SyncSchedule;
  private readonly metrics: AgentMetrics = createAgentMetrics();
  private readonly connections = new Map<string, ServerConnection>();
  private announcedCount: number | undefined;
  private attempt: ServerConnection | undefined;
  private timer: Timer | undefined;
  private health: Promise<PageServer> | undefined;
  private stopped: Promise<void> | undefined;
  private address: string | undefined;
  private state: 'running' | 'draining' | 'stopped' = 'running';

  constructor(options: AgentOptions) {
    this.options = options;
    this.node = `agent/${options.name}`;
    this.schedule = new SyncSchedule(options.sync, options.random);
  }

  /** `host:port` of `/healthz`, `/readyz` and `/metrics`; undefined until `start` has bound it. */
  get healthAddress(): string | undefined {
    return this.address;
  }

  /** Begins to look for servers. Rejects with ADDRESS_IN_USE or ADDRESS_UNAVAILABLE for the health port. */
  async start(): Promise<void> {
    if (this.health !== undefined || this.state === 'stopped') return;
    const { health, emit, server } = this.options;
    const ready = (): Readiness => this.readiness();
    this.health = startHealthServer({ ...health, style: 'agent', ready, metrics: this.metrics });
    const { host, port } = await this.health;
    this.address = joinHostPort(host, port);
    if (this.isStopped()) return;
    emit({ kind: 'role.started', node: this.node, address: server });
    void this.sync();
  }

  snapshot(): AgentState {
    const machines = [...this.connections.values()].map(({ machine }) => machine);
    return {
      servers: [...this.connections.keys()],
      wantedServers: wantedServers(this.announcedCount),
      endpoints: machines.reduce((sum, machine) => sum + machine.endpoints.size, 0),
      draining: this.state === 'draining',
    };
  }

  /** Asks the servers to choose somebody else; what runs goes on. */
  drain(): void {
    if (this.state !== 'running') return;
    this.state = 'draining';
    this.timer?.cancel();
    this.options.emit({ kind: 'agent.draining', node: this.node });
    for (const { machine } of this.connections.values()) machine.drain();
  }

  /** Cuts every stream and every endpoint connection; resolves when their sockets and the health port are gone. */
  stop(): Promise<void> {
    this.stopped ??= this.cut();
    return this.stopped;
  }

  private async cut(): Promise<void> {
    this.state = 'stopped';
    this.timer?.cancel();
    const all = [...this.connections.values()];
    if (this.attempt !== undefined) all.push(this.attempt);
    const closed = all.map((connection) => connection.close());
    this.options.emit({ kind: 'role.stopped', node: this.node });
    const health = await this.health?.catch(() => undefined);
    await Promise.all([...closed, health?.close()]);
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

  /** One round of the search for servers: at most one new connection each, as Konnectivity's agent does it. */
  private async sync(): Promise<void> {
    if (this.state !== 'running') return;
    if (!this.wantsMore() && !this.options.syncForever) {
      this.again(this.schedule.afterSuccess());
      return;
    }
    try {
      const result = await this.connectOnce();
      const delayMs = this.schedule.afterSuccess();
      if (result.kind === 'duplicate') this.reportRetry(`duplicate server: ${result.serverId}`, delayMs);
      this.again(result.kind === 'added' && this.wantsMore() ? 0 : delayMs);
    } catch (error) {
      const { message } = TunnelError.from(error, 'SERVER_UNREACHABLE', this.node);
      const delayMs = this.schedule.afterFailure();
      this.reportRetry(message, delayMs);
      this.again(delayMs);
    }
  }

  private wantsMore(): boolean {
    return this.connections.size < wantedServers(this.announcedCount);
  }

  private async connectOnce(): Promise<{ kind: 'added' } | { kind: 'duplicate'; serverId: string }> {
    this.options.emit({ kind: 'agent.connecting', node: this.node, address: this.options.server });
    const connection: ServerConnection = new ServerConnection({
      agent: this.options,
      nextConnectId: this.nextConnectId,
      observe: (serverId) => countFor(this.metrics, createAgentObserver(this.options, serverId)),
      ended: (end) => this.lost(connection, end),
    });
    this.attempt = connection;
    try {
      const identity = await connection.ready();
      if (this.state !== 'running' || !connection.alive) throw new Error('the server ended the stream');
      if (this.connections.has(identity.serverId)) return { kind: 'duplicate', serverId: identity.serverId };
      this.add(connection, identity);
      return { kind: 'added' };
    } finally {
      this.attempt = undefined;
      if (this.connections.get(connection.serverId) !== connection) void connection.close();
    }
  }

  private add(connection: ServerConnection, { serverId, serverCount }: ServerIdentity): void {
    this.connections.set(serverId, connection);
    this.announcedCount = serverCount;
    this.showServers();
    const { server: address, emit } = this.options;
    emit({ kind: 'agent.connected', node: this.node, peer: `server/${serverId}`, address });
  }

  private lost(connection: ServerConnection, { kind, text, code }: StreamEnd): void {
    const { serverId } = connection;
    if (kind === 'lost' && this.state !== 'stopped') {
      this.metrics.serverFailure('from_server');
      this.metrics.streamError('to_agent', code, 'Unknown');
    }
    if (this.connections.get(serverId) !== connection) return;
    this.connections.delete(serverId);
    this.showServers();
    const error = text === '' ? 'the server ended the stream' : text;
    this.options.emit({ kind: 'agent.disconnected', node: this.node, peer: `server/${serverId}`, error });
    if (this.attempt !== undefined) return;
    // At once, unless the server hangs up on us again and again.
    const { clock, sync } = this.options;
    const shortLived = clock.now() - connection.startedAt < sync.intervalMs;
    this.again(shortLived ? this.schedule.afterFailure() : 0);
  }

  private showServers(): void {
    this.metrics.openServerConnections.set(this.connections.size);
    this.metrics.knownServerCount.set(wantedServers(this.announcedCount));
  }

  private reportRetry(error: string, delayMs: number): void {
    if (this.state !== 'running') return;
    const { server: address, emit } = this.options;
    emit({ kind: 'agent.retry', node: this.node, address, error, delayMs });
  }

  private again(delayMs: number): void {
    this.timer?.cancel();
    if (this.state !== 'running') return;
    this.timer = this.options.clock.after(delayMs, () => void this.sync());
  }
}
