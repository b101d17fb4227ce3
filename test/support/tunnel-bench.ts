import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Agent } from '../../src/agent/agent.js';
import { type AgentOptions, agentDefaults } from '../../src/agent/options.js';
import { createRealClock } from '../../src/core/clock.js';
import type { EventKind } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { goDial } from '../../src/links/go-dial.js';
import type { EventOf, EventPattern } from '../../src/observe/event-match.js';
import { createJournal, type Journal } from '../../src/observe/journal.js';
import {
  type CertificateSet,
  createCertificateSet,
  leafTls,
  type RoleLeaf,
} from '../../src/pki/certificate-set.js';
import type { ProxyServerOptions } from '../../src/server/options.js';
import { type ProxyServer, startProxyServer } from '../../src/server/server.js';
import { TunnelClient, type TunnelClientSettings } from '../../src/wire/client/tunnel-client.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import { CountingClock } from './counting-clock.js';
import { currentHandles, expectNoNewHandles, type Handles } from './handles.js';
import { eventually, once, waitMs } from './waits.js';

export const host = '127.0.0.1';

export interface BenchOptions {
  /** Speeds up the timers of the parts, but not the deadlines of dials and connects unless given. Default 1. */
  readonly timeScale?: number;
  /** Issue the certificates of all parts; a fresh set when absent. */
  readonly certificates?: CertificateSet;
}

/** Real servers, agents and clients with real mTLS on loopback; `close` stops them and checks that nothing is left. */
export class TunnelBench {
  readonly clock: CountingClock;
  readonly random = createRandom(1);
  readonly journal: Journal = createJournal({ clock: createRealClock() });
  readonly certificates: CertificateSet;
  readonly folder: string;
  readonly servers: ProxyServer[] = [];
  readonly agents: Agent[] = [];
  readonly clients: TunnelClient[] = [];
  private readonly timeScale: number;
  private readonly before: Handles;
  private readonly stops: (() => Promise<unknown>)[] = [];

  private constructor(made: {
    folder: string;
    before: Handles;
    certificates: CertificateSet;
    timeScale: number;
  }) {
    this.folder = made.folder;
    this.before = made.before;
    this.certificates = made.certificates;
    this.timeScale = made.timeScale;
    this.clock = new CountingClock(made.timeScale);
  }

  static async create({ timeScale = 1, certificates }: BenchOptions = {}): Promise<TunnelBench> {
    const before = currentHandles();
    const folder = await mkdtemp(join(tmpdir(), 'ks-'));
    return new TunnelBench({
      folder,
      before,
      timeScale,
      certificates: certificates ?? (await createCertificateSet()),
    });
  }

  /** What a role shows and believes. */
  tls(leaf: RoleLeaf, set: CertificateSet = this.certificates): TlsFiles {
    return leafTls(set, leaf);
  }

  /** The first event after `since` that matches, past or to come; on a busy machine that may take its time. */
  waitFor<K extends EventKind>(wanted: EventPattern<K>, since = 0): Promise<EventOf<K>> {
    return this.journal.waitFor(wanted, { since, withinMs: waitMs });
  }

  /** A time that passes at its real length though the clock is fast: for bounds that a test does not want to hit. */
  private unscaled(durationMs: number): number {
    return durationMs * this.timeScale;
  }

  /** A server with a Unix socket and a TCP port for frontends. */
  async server(over: Partial<ProxyServerOptions> = {}): Promise<ProxyServer> {
    const name = over.name ?? `s${this.servers.length + 1}`;
    const server = await startProxyServer({
      name,
      serverId: name,
      serverCount: 1,
      frontends: [
        { kind: 'unix', path: join(this.folder, `${name}.sock`) },
        { kind: 'tcp', host, port: 0, tls: this.tls('server-frontend') },
      ],
      agents: { kind: 'tcp', host, port: 0, tls: this.tls('server') },
      health: { host, port: 0 },
      strategies: ['destHost', 'default'],
      backendDialTimeoutMs: this.unscaled(20_000),
      as: 'ideal',
      keepaliveTimeMs: 30_000,
      clock: this.clock,
      random: this.random,
      emit: (event) => {
        if (event.kind !== 'packet' || event.packet !== 'DATA') this.journal.emit(event);
      },
      ...over,
    });
    this.servers.push(server);
    this.onClose(() => server.stop());
    return server;
  }

  /** An agent that is not started. */
  agent(server: string, over: Partial<AgentOptions> = {}): Agent {
    const name = over.name ?? `a${this.agents.length + 1}`;
    const agent = new Agent({
      ...agentDefaults,
      name,
      agentId: name,
      identifiers: `host=${name}&ipv4=${host}`,
      server,
      tls: this.tls('agent'),
      connectTimeoutMs: this.unscaled(agentDefaults.connectTimeoutMs),
      dialTimeoutMs: this.unscaled(agentDefaults.dialTimeoutMs),
      connectEndpoint: (to, port, options) => goDial(to, port, { ...options, clock: this.clock }),
      health: { host, port: 0 },
      clock: this.clock,
      random: this.random,
      emit: (event) => {
        if (event.kind !== 'packet' || event.packet !== 'DATA') this.journal.emit(event);
      },
      ...over,
    });
    this.agents.push(agent);
    this.onClose(() => agent.stop());
    return agent;
  }

  /** An agent that both ends know of. */
  async connectedAgent(server: ProxyServer, over: Partial<AgentOptions> = {}): Promise<Agent> {
    const agent = this.agent(server.agentAddress, over);
    const since = this.journal.mark();
    await agent.start();
    await this.waitFor({ kind: 'backend.connected' }, since);
    await this.waitFor({ kind: 'agent.connected' }, since);
    return agent;
  }

  /** A client of the server's Unix socket, or of its TCP port. */
  client(server: ProxyServer, over: Partial<TunnelClientSettings> & { tcp?: boolean } = {}): TunnelClient {
    const { tcp = false, ...settings } = over;
    const [unixAddress = '', tcpAddress = ''] = server.frontendAddresses;
    const client = new TunnelClient({
      address: tcp ? tcpAddress : unixAddress,
      ...(tcp ? { tls: this.tls('frontend-client') } : {}),
      clock: this.clock,
      random: this.random,
      emit: () => undefined,
      dialTimeoutMs: this.unscaled(30_000),
      readTimeoutMs: this.unscaled(10_000),
      name: 'client/test',
      serverName: `server/${server.serverId}`,
      ...settings,
    });
    this.clients.push(client);
    this.onClose(() => client.close());
    return client;
  }

  /** A TCP server on loopback; resolves with its port. */
  async endpoint(serve: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      serve(socket);
    });
    server.listen(0, host);
    await once(server, 'listening');
    this.onClose(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  /** An endpoint that sends back what it gets. */
  echo(): Promise<number> {
    return this.endpoint((socket) => void socket.pipe(socket));
  }

  /** Fails unless a fresh client gets an echo through the server. */
  async checkPath(server: ProxyServer): Promise<void> {
    const stream = await this.client(server).dial(host, await this.echo());
    stream.write('ping');
    const [answer] = (await once(stream, 'data')) as [Buffer];
    expect(answer.toString()).toBe('ping');
    stream.destroy();
  }

  /** Runs before the parts that were made earlier are stopped. */
  onClose(stop: () => Promise<unknown>): void {
    this.stops.unshift(stop);
  }

  /** Stops everything, newest first, and fails when a count, a timer or a socket is left. */
  async close(): Promise<void> {
    for (const stop of this.stops) await stop();
    for (const server of this.servers) {
      expect(server.snapshot()).toMatchObject({ frontends: 0, backends: 0, pendingDials: 0, established: 0 });
    }
    for (const agent of this.agents) expect(agent.snapshot()).toMatchObject({ servers: [], endpoints: 0 });
    for (const client of this.clients) expect(client.openConnections).toBe(0);
    this.journal.close();
    await expectNoNewHandles(this.before);
    // The last ones end with their HTTP/2 sessions, which close a moment after their sockets.
    await eventually(() => expect(this.clock.pendingTimers).toBe(0));
    await rm(this.folder, { recursive: true, force: true });
  }
}
