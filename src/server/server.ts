import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { agentKeepalivePolicy, frontendKeepalivePolicy } from '../core/keepalive-policy.js';
import type { ServerMachine, ServerState } from '../core/server/machine.js';
import { startHealthServer } from '../observe/health.js';
import type { MetricsText } from '../observe/metric-kit.js';
import { startConnectListener } from '../wire/connect/connect-listener.js';
import { type GrpcListenerOptions, startGrpcListener } from '../wire/grpc/grpc-listener.js';
import type { Refusal } from '../wire/net/tls-refusals.js';
import { Doors } from './doors.js';
import { LeaseController } from './lease-controller.js';
import type { FrontendEndpoint, ProxyServerOptions } from './options.js';
import { createParts, type ServerParts } from './parts.js';

/** A running proxy-server. */
export interface ProxyServer {
  readonly serverId: string;
  /** Addresses as a frontend dials them: `unix://PATH` or `host:port`, in the order of the options. */
  readonly frontendAddresses: readonly string[];
  /** `host:port` for agents. */
  readonly agentAddress: string;
  /** `host:port` of `/healthz`, `/readyz` and `/metrics`. */
  readonly healthAddress: string;
  /** What `/metrics` serves. */
  readonly metrics: MetricsText;
  snapshot(): ServerState;
  /** Cuts every stream at once, as the end of the process would; resolves when no socket is left. A lease stays. */
  stop(): Promise<void>;
  /**
   * Ends as Konnectivity's server does at a signal: nobody is let in any more, frontends may finish, its
   * lease is removed, then `stop`. With
   * `graceMs` 0 the agents are cut at once, which ends the connections, and frontends have any time to notice; else
   * agents serve on until no frontend is left or the time is over.
   */
  finish(graceMs: number): Promise<void>;
}

/**
 * Binds all listeners of a proxy-server, or none. Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID,
 * FILE_UNWRITABLE.
 */
export async function startProxyServer(options: ProxyServerOptions): Promise<ProxyServer> {
  const { emit, clock, serverId } = options;
  const parts = createParts(options);
  const doors = new Doors();
  try {
    const addresses = await bindAll(options, parts, doors);
    emit({ kind: 'role.started', node: parts.node, address: addresses.agentAddress });
    const { machine, metrics } = parts;
    const lease = startLease(options, parts);
    const stop = createStop(options, parts, doors, lease);
    return {
      serverId,
      ...addresses,
      metrics,
      stop,
      snapshot: () => machine.state(),
      finish: async (graceMs) => {
        // As Konnectivity: at once when nobody is waited for, else when all have gone.
        const released = graceMs === 0 ? lease?.release() : undefined;
        await finished({ doors, machine, clock, graceMs });
        await (released ?? lease?.release());
        await stop();
      },
    };
  } catch (error) {
    await doors.close();
    throw error;
  }
}

async function bindAll(options: ProxyServerOptions, parts: ServerParts, doors: Doors) {
  const { keepaliveTimeMs, frontendKeepaliveTimeMs = keepaliveTimeMs, health, clock } = options;
  const { node: where, metrics, ready } = parts;
  const refused = ({ peer: address, error }: Refusal): void =>
    options.emit({ kind: 'peer.refused', node: where, error, ...(address === '' ? {} : { address }) });
  const openGrpc = (own: Pick<GrpcListenerOptions, 'endpoint' | 'serve' | 'keepaliveTimeMs' | 'pings'>) =>
    startGrpcListener({ where, refused, clock, ...own });
  const agents = openGrpc({
    endpoint: options.agents,
    keepaliveTimeMs,
    serve: parts.serveAgents,
    pings: { policy: agentKeepalivePolicy, clock },
  });
  const openFrontend = (endpoint: FrontendEndpoint) =>
    endpoint.protocol === 'http-connect'
      ? startConnectListener({ endpoint, where, clock, refused, serve: parts.serveConnect })
      : openGrpc({
          endpoint,
          keepaliveTimeMs: frontendKeepaliveTimeMs,
          serve: parts.serveFrontends,
          pings: { policy: frontendKeepalivePolicy, clock },
        });
  const agentAddress = await doors.open('agents', agents);
  const frontendAddresses: string[] = [];
  for (const endpoint of options.frontends) {
    frontendAddresses.push(await doors.open('frontends', openFrontend(endpoint)));
  }
  const { host, port } = await doors.openHealth(
    startHealthServer({ ...health, style: 'server', ready, metrics, clock }),
  );
  return { agentAddress, frontendAddresses, healthAddress: joinHostPort(host, port) };
}

/** Announces a server that agents can reach. */
function startLease(
  options: ProxyServerOptions,
  { node, metrics }: ServerParts,
): LeaseController | undefined {
  const { lease, serverId, clock, random, emit } = options;
  if (lease === undefined) return undefined;
  return new LeaseController({ node, serverId, lease, clock, random, emit, metrics });
}

interface Finishing {
  readonly doors: Doors;
  readonly machine: ServerMachine;
  readonly clock: Clock;
  readonly graceMs: number;
}

async function finished({ doors, machine, clock, graceMs }: Finishing): Promise<void> {
  doors.refuse();
  await doors.closeHealth();
  if (graceMs === 0) {
    await doors.closeAgents();
    return new Promise((resolve) => machine.whenNoFrontends(resolve));
  }
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
  doors: Doors,
  lease: LeaseController | undefined,
): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    // Sockets first: a process that ends says no goodbye to its peers.
    const closed = doors.close();
    cut();
    await Promise.all([closed, lease?.close()]);
    emit({ kind: 'role.stopped', node });
  };
  return () => {
    stopped ??= stop();
    return stopped;
  };
}
