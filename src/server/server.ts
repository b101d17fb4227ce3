import { joinHostPort } from '../core/address.js';
import type { ServerState } from '../core/server/machine.js';
import { startHealthServer } from '../observe/health.js';
import { startConnectListener } from '../wire/connect-listener.js';
import { type GrpcEndpoint, startGrpcListener } from '../wire/grpc-listener.js';
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
  snapshot(): ServerState;
  /** Cuts every stream at once, as the end of the process would; resolves when no socket is left. */
  stop(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

interface Listener extends Closable {
  readonly address: string;
}

/**
 * Binds all listeners of a proxy-server, or none. Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID,
 * FILE_UNWRITABLE.
 */
export async function startProxyServer(options: ProxyServerOptions): Promise<ProxyServer> {
  const parts = createParts(options);
  const bound: Closable[] = [];
  try {
    const addresses = await bindAll(options, parts, bound);
    options.emit({ kind: 'role.started', node: parts.node, address: addresses.agentAddress });
    const snapshot = (): ServerState => parts.machine.state();
    return { serverId: options.serverId, ...addresses, snapshot, stop: createStop(options, parts, bound) };
  } catch (error) {
    await Promise.all(bound.map((listener) => listener.close()));
    throw error;
  }
}

async function bindAll(options: ProxyServerOptions, parts: ServerParts, bound: Closable[]) {
  const { keepaliveTimeMs, health } = options;
  const where = parts.node;
  const open = async (starting: Promise<Listener>): Promise<string> => {
    const listener = await starting;
    bound.push(listener);
    return listener.address;
  };
  const openGrpc = (endpoint: GrpcEndpoint, serve: ServerParts['serveAgents']): Promise<string> =>
    open(startGrpcListener({ endpoint, keepaliveTimeMs, where, serve }));
  const openConnect = (endpoint: GrpcEndpoint): Promise<string> =>
    open(startConnectListener({ endpoint, where, clock: options.clock, serve: parts.serveConnect }));
  const openFrontend = (endpoint: FrontendEndpoint): Promise<string> =>
    endpoint.protocol === 'http-connect' ? openConnect(endpoint) : openGrpc(endpoint, parts.serveFrontends);
  const agentAddress = await openGrpc(options.agents, parts.serveAgents);
  const frontendAddresses: string[] = [];
  for (const endpoint of options.frontends) {
    frontendAddresses.push(await openFrontend(endpoint));
  }
  const { metrics, ready } = parts;
  const healthServer = await startHealthServer({ ...health, style: 'server', ready, metrics });
  bound.push(healthServer);
  const healthAddress = joinHostPort(healthServer.host, healthServer.port);
  return { agentAddress, frontendAddresses, healthAddress };
}

function createStop(
  { emit }: ProxyServerOptions,
  { node, cut }: ServerParts,
  bound: readonly Closable[],
): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    // Sockets first: a process that ends says no goodbye to its peers.
    const closed = Promise.all(bound.map((listener) => listener.close()));
    cut();
    await closed;
    emit({ kind: 'role.stopped', node });
  };
  return () => {
    stopped ??= stop();
    return stopped;
  };
}
