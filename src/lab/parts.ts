import type { Socket } from 'node:net';
import { Agent } from '../agent/agent.js';
import { agentDefaults } from '../agent/options.js';
import { type ApiServer, startApiServer } from '../apiserver/api-server.js';
import type { TokenKeys } from '../apiserver/auth/service-account-tokens.js';
import { createDirectDialer } from '../apiserver/egress/direct-dialer.js';
import { intoCluster } from '../apiserver/egress/selector.js';
import type { LocalStore } from '../apiserver/store/object-store.js';
import type { Behaviour } from '../containers/behaviours.js';
import { joinHostPort } from '../core/address.js';
import type { Clock, ScaledClock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { FaithfulOptions } from '../core/faithful.js';
import { pause } from '../core/pause.js';
import { createRandom, type Random } from '../core/random.js';
import type { StrategyName } from '../core/strategy.js';
import type { Turns } from '../core/turns.js';
import type { LabKubeletConfig } from '../kubelet-stub/config.js';
import type { Links } from '../links/links.js';
import type { NodeNetwork } from '../links/node-network.js';
import type { OpenTcp } from '../links/tcp-connect.js';
import { type CertificateSet, leafTls } from '../pki/certificate-set.js';
import { type ProxyServer, startProxyServer } from '../server/server.js';
import type { Dialer } from '../wire/client/dialer.js';
import type { TlsFiles } from '../wire/net/tls.js';
import type { LabAgentTokens } from './agent-tokens.js';
import type { RuntimeKind } from './create-runtime.js';
import type { LabKeepalive } from './options.js';
import { RestartablePart } from './part.js';
import { dialServers, serversName } from './server-dial.js';
import type { NodeSpec } from './topology.js';
import { handshakesOf, type TrustContext, wrongClock } from './trust-faults.js';

const host = '127.0.0.1';

interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface LabContext extends TrustContext {
  readonly clock: ScaledClock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly certificates: CertificateSet;
  /** One object for all agents, which therefore share a TLS context. */
  readonly agentTls: TlsFiles;
  /** For all agents, so that those of a large lab connect a few at a time. */
  readonly agentTurns: Turns;
  /** What agents show beside their certificates, and who checks it. Absent when they need no token. */
  readonly agentTokens: LabAgentTokens | undefined;
  readonly network: NodeNetwork;
  readonly keepalive: Required<LabKeepalive>;
  /** Every connection between parts passes one of these. */
  readonly links: Links;
  /** The part that listens at an address of the network: `kubelet/node-1`, `pod/default/web-1`. */
  readonly nameOf: (target: HostPort) => string;
  readonly behaviours: readonly Behaviour[];
  readonly kubelet: LabKubeletConfig;
  /** For all parts. Each uses those of its role. */
  readonly behaviour: FaithfulOptions;
  readonly runtime: RuntimeKind;
  /** The folder of the lab, for sockets and for the files of containers that are processes. */
  readonly folder: string;
}

/** A proxy-server and its address for agents, also while it does not run. */
export interface ServerPart {
  readonly part: RestartablePart<ProxyServer>;
  readonly agentAddress: () => string;
}

export interface ServerPartOptions {
  /** Its name, and its server ID: `server-1`. */
  readonly name: string;
  readonly serverCount: number;
  readonly socketPath: string;
  readonly agentPort: number;
  readonly strategies: readonly StrategyName[];
}

/** A proxy-server: a Unix socket for frontends, an mTLS port for agents. It keeps its port over restarts. */
export function serverPart(
  context: LabContext,
  { name, serverCount, socketPath, agentPort, strategies }: ServerPartOptions,
): ServerPart {
  let port = agentPort;
  const { clock, random, emit, behaviour } = context;
  const part = new RestartablePart<ProxyServer>({
    name: `server/${name}`,
    emit,
    start: async () => {
      const server = await startProxyServer({
        name,
        serverId: name,
        serverCount,
        frontends: [{ kind: 'unix', path: socketPath }],
        agents: { kind: 'tcp', host, port, tls: leafTls(context.certificates, 'server') },
        health: { host, port: 0 },
        strategies,
        keepaliveTimeMs: context.keepalive.serversMs,
        faults: context.links.faults.points(`server/${name}`),
        agentHandshakes: handshakesOf(context, { part: `server/${name}`, leaf: 'server' }),
        ...(context.agentTokens === undefined ? {} : { agentTokens: context.agentTokens.review() }),
        clock,
        random,
        emit,
        ...behaviour,
      });
      port = Number(server.agentAddress.split(':').at(-1));
      return server;
    },
    stop: (server) => server.stop(),
    // 0 would wait without an end.
    leave: (server, graceMs) => server.finish(Math.max(1, graceMs)),
  });
  return { part, agentAddress: () => `${host}:${port}` };
}

/** A node's agent. It dials its servers by their name, at the port of that time. */
export function agentPart(
  context: LabContext,
  node: NodeSpec,
  servers: { readonly agentAddress: string; connect(from: string, socket: Socket): unknown },
): RestartablePart<Agent> {
  const { clock, random, emit, network, behaviour, agentTls: tls, agentTurns: turns } = context;
  const name = `agent/${node.name}`;
  const faults = context.links.faults.points(name);
  const open: OpenTcp = (real, shown) => context.links.open({ from: name, to: context.nameOf(shown) }, real);
  return new RestartablePart<Agent>({
    name,
    emit,
    start: async () => {
      const port = Number(servers.agentAddress.split(':').at(-1));
      const dial = { faults, clock, ip: node.ip, port, attemptMs: agentDefaults.connectTimeoutMs };
      const agent = new Agent({
        ...agentDefaults,
        name: node.name,
        agentId: node.name,
        identifiers: `ipv4=${node.ip}&host=${node.name}`,
        server: joinHostPort(serversName, port),
        serverName: host,
        tls,
        turns,
        keepaliveTimeMs: context.keepalive.agentsMs,
        connectEndpoint: (address, port, options) => network.connect(address, port, { ...options, open }),
        openServer: () => dialServers({ ...dial, connect: (socket) => servers.connect(name, socket) }),
        faults,
        handshakes: handshakesOf(context, { part: name, leaf: 'agent', isClient: true }),
        metadata: () => context.agentTokens?.metadata(faults) ?? {},
        clock,
        random,
        emit,
        ...behaviour,
      });
      await agent.start();
      return agent;
    },
    stop: async (agent) => agent.stop(),
    drain: (agent) => agent.drain(),
    leave: (agent, graceMs) => drained(agent, clock, graceMs),
  });
}

/** How often it looks whether an agent that drains has connections, ms. */
const lookEveryMs = 5;

/** How long an agent stays that has no connections, ms: its servers must hear that it drains. */
const farewellMs = 1000;

/** Resolves when the last connection of an agent that drains is over, or the time is. */
async function drained(agent: Agent, clock: Clock, graceMs: number): Promise<void> {
  agent.drain();
  const deadline = clock.now() + graceMs;
  await pause(clock, Math.min(farewellMs, graceMs));
  while (agent.snapshot().endpoints > 0 && clock.now() < deadline) await pause(clock, lookEveryMs);
}

export interface ApiServerPartOptions {
  readonly name?: string;
  /** The keys that sign tokens. Replicas share them. */
  readonly tokenKeys: TokenKeys;
  readonly controllers: boolean;
  readonly store: LocalStore;
  readonly dialer: Dialer;
  readonly port: number;
  readonly version: string;
}

/** The API façade. It keeps its port over restarts. Its store exists outside it. */
export function apiServerPart(
  context: LabContext,
  options: ApiServerPartOptions,
): RestartablePart<ApiServer> {
  const { clock, emit, certificates } = context;
  const { name = 'main', store, dialer, version, tokenKeys, controllers } = options;
  const { ca: clientCa, cert, key } = leafTls(certificates, 'apiserver');
  const random = createRandom(context.random.below(2 ** 32));
  const open: OpenTcp = (real, { host: at, port: to }) =>
    context.links.open({ from: `apiserver/${name}`, to: `webhook/${joinHostPort(at, to)}` }, real);
  const egress = intoCluster(dialer, createDirectDialer(clock, open));
  const part = `apiserver/${name}`;
  const faults = context.links.faults.points(part);
  let port = options.port;
  return new RestartablePart<ApiServer>({
    name: part,
    emit,
    start: async () => {
      const apiserver = await startApiServer({
        name,
        host,
        port,
        tls: { cert, key, clientCa },
        store,
        egress,
        kubeletTls: leafTls(certificates, 'apiserver-kubelet-client'),
        kubeletHandshakes: handshakesOf(context, { part, leaf: 'apiserver-kubelet-client', isClient: true }),
        now: context.now,
        tokenNow: wrongClock(context, faults),
        tokenKeys,
        controllers,
        clock,
        random,
        emit,
        // Agents dial IP addresses, and ladders show them.
        preferredAddressTypes: ['InternalIP', 'Hostname'],
        version,
        ...context.behaviour,
      });
      port = Number(apiserver.address.split(':').at(-1));
      return apiserver;
    },
    stop: (apiserver) => apiserver.close(),
  });
}
