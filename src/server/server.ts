import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { agentKeepalivePolicy, frontendKeepalivePolicy } from '../core/keepalive-policy.js';
import type { ServerBelief } from '../core/server/connection-view.js';
import type { ServerMachine, ServerState } from '../core/server/machine.js';
import { noFaults } from '../links/fault-points.js';
import { startHealthServer } from '../observe/health.js';
import type { MetricsText } from '../observe/metric-kit.js';
import { frontendWindowBytes } from '../wire/carrier/growing-window.js';
import { startTunnelListener, type TunnelListenerOptions } from '../wire/carrier/tunnel-listener.js';
import { startConnectListener } from '../wire/connect/connect-listener.js';
import type { Refusal } from '../wire/net/tls-refusals.js';
import { LeaseController } from './lease-controller.js';
import { Listeners } from './listeners.js';
import type { FrontendEndpoint, ProxyServerOptions } from './options.js';
import { createParts, type ServerParts } from './parts.js';
import { sessionFaults } from './session-faults.js';

export interface ProxyServer {
  readonly serverId: string;
  /** The addresses for frontends: `unix://PATH` or `host:port`, in the order of the options. */
  readonly frontendAddresses: readonly string[];
  /** The address for agents: `host:port`. */
  readonly agentAddress: string;
  /** The address of `/healthz`, `/readyz` and `/metrics`: `host:port`. */
  readonly healthAddress: string;
  readonly metrics: MetricsText;
  snapshot(): ServerState;
  /** The dials and connections that it holds now. */
  beliefs(): readonly ServerBelief[];
  /** Cuts every stream at once, as the end of the process does. Keeps the lease. Resolves when no socket is open. */
  stop(): Promise<void>;
  /**
   * Ends as Konnectivity's server does at a signal: takes no new frontends and dials, lets open ones finish, then cuts the
   * agents, removes its lease, and calls `stop`. Until then agents may connect, and the health port answers.
   *
   * `graceMs` limits the wait. With 0 the server waits without limit if any frontend may speak gRPC, else not at all. With another
   * value new agents and the health port are refused at once.
   */
  finish(graceMs: number): Promise<void>;
}

/**
 * Starts a proxy-server. When one listener fails, it closes the others. Rejects with ADDRESS_IN_USE,
 * ADDRESS_UNAVAILABLE, CERT_INVALID or FILE_UNWRITABLE.
 */
export async function startProxyServer(options: ProxyServerOptions): Promise<ProxyServer> {
  const { emit, clock, serverId, serverCount: count, keepaliveTimeMs: keepaliveMs } = options;
  const strategies = options.strategies.join(',');
  const parts = createParts(options);
  const listeners = new Listeners();
  try {
    const addresses = await bindAll(options, parts, listeners);
    const shown = { count, strategies, keepaliveMs };
    emit({ kind: 'role.started', node: parts.node, address: addresses.agentAddress, ...shown });
    const { machine, metrics } = parts;
    const lease = startLease(options, parts);
    const stop = createStop(options, parts, listeners, lease);
    return {
      serverId,
      ...addresses,
      metrics,
      stop,
      snapshot: () => machine.state(),
      beliefs: () => machine.connections(),
      finish: async (graceMs) => {
        listeners.drainFrontends();
        await (graceMs === 0
          ? finished(options, machine)
          : finishedWithin(graceMs, { listeners, machine, clock }));
        await listeners.closeAgents();
        await listeners.closeHealth();
        await lease?.release();
        await stop();
      },
    };
  } catch (error) {
    await listeners.close();
    throw error;
  }
}

async function bindAll(options: ProxyServerOptions, parts: ServerParts, listeners: Listeners) {
  const {
    keepaliveTimeMs,
    frontendKeepaliveTimeMs = keepaliveTimeMs,
    health,
    clock,
    faults = noFaults,
  } = options;
  const { node: where, metrics, ready } = parts;
  const refused = ({ peer: address, error }: Refusal): void =>
    options.emit({ kind: 'peer.refused', node: where, error, ...(address === '' ? {} : { address }) });
  const openGrpc = (own: Omit<TunnelListenerOptions, 'where' | 'refused' | 'clock'>) =>
    startTunnelListener({ where, refused, clock, ...own });
  const agents = openGrpc({
    method: 'Connect',
    endpoint: options.agents,
    handshakes: options.agentHandshakes,
    keepaliveTimeMs,
    serve: parts.serveAgent,
    pings: { policy: agentKeepalivePolicy, clock },
    ...sessionFaults(faults, 'agents'),
    pinged: (address, ping) => options.emit({ ...ping, node: where, ...parts.agentAt(address), address }),
  });
  const openFrontend = (endpoint: FrontendEndpoint) =>
    endpoint.protocol === 'http-connect'
      ? startConnectListener({ endpoint, where, clock, refused, serve: parts.serveConnect })
      : openGrpc({
          method: 'Proxy',
          endpoint,
          windowBytes: frontendWindowBytes,
          keepaliveTimeMs: frontendKeepaliveTimeMs,
          serve: parts.serveFrontend,
          pings: { policy: frontendKeepalivePolicy, clock },
          ...sessionFaults(faults, 'frontends'),
        });
  const agentAddress = await listeners.openAgents(agents);
  const frontendAddresses: string[] = [];
  for (const endpoint of options.frontends) {
    frontendAddresses.push(await listeners.openFrontends(openFrontend(endpoint)));
  }
  const { host, port } = await listeners.openHealth(
    startHealthServer({ ...health, style: 'server', ready, metrics, clock }),
  );
  return { agentAddress, frontendAddresses, healthAddress: joinHostPort(host, port) };
}

/** Starts the lease of a server, once agents can reach it. */
function startLease(
  options: ProxyServerOptions,
  { node, metrics }: ServerParts,
): LeaseController | undefined {
  const { lease, serverId, clock, random, emit } = options;
  if (lease === undefined) return undefined;
  return new LeaseController({ node, serverId, lease, clock, random, emit, metrics });
}

/** Tunnels of HTTP CONNECT are no requests any more, for which Go's server would wait. */
async function finished({ frontends }: ProxyServerOptions, machine: ServerMachine): Promise<void> {
  if (frontends.every(({ protocol }) => protocol === 'http-connect')) return;
  await new Promise<void>((resolve) => machine.whenNoFrontends(resolve));
}

interface Finishing {
  readonly listeners: Listeners;
  readonly machine: ServerMachine;
  readonly clock: Clock;
}

async function finishedWithin(graceMs: number, { listeners, machine, clock }: Finishing): Promise<void> {
  listeners.refuseAgents();
  await listeners.closeHealth();
  await new Promise<void>((resolve) => {
    const timer = clock.after(graceMs, resolve);
    machine.whenNoFrontends(() => {
      timer.cancel();
      resolve();
    });
  });
}

function createStop(
  { emit }: ProxyServerOptions,
  { node, cut }: ServerParts,
  listeners: Listeners,
  lease: LeaseController | undefined,
): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    // Sockets first: a process that ends does not tell its peers.
    const closed = listeners.close();
    cut();
    await Promise.all([closed, lease?.close()]);
    emit({ kind: 'role.stopped', node });
  };
  return () => {
    stopped ??= stop();
    return stopped;
  };
}
