import { setMaxListeners } from 'node:events';
import type { Runtime } from '../containers/runtime.js';
import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import { createWallClock } from '../core/wall-clock.js';
import { type FaultPoints, noFaults } from '../links/fault-points.js';
import type { HandshakeFaults } from '../wire/net/handshake-faults.js';
import type { Renewable } from '../wire/net/tls.js';
import { AccessControl } from './auth/access-control.js';
import { identifyPeer } from './auth/peer-identity.js';
import { type KubeletConfig, settingsOf } from './config.js';
import type { DoorContext } from './door-context.js';
import { createGrpcDoor } from './grpc-door.js';
import { createHttpDoor } from './http-door.js';
import { HealthChecks } from './http-health.js';
import { HttpCounters } from './metrics/http-counters.js';
import { UsageMeter } from './metrics/node-usage.js';
import { NodeLogs } from './node-logs/node-logs.js';
import { StreamTokens } from './stream-tokens.js';
import { type KubeletTls, openTlsPort } from './tls-port.js';

export interface KubeletOptions {
  readonly nodeName: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  readonly tls: KubeletTls | Renewable<KubeletTls>;
  /** TLS is made ready for the first connection. `tls` must be right. Default false. */
  readonly lazyTls?: boolean;
  /** Runs the containers. The caller owns it: closing the kubelet does not close it. */
  readonly runtime: Runtime;
  readonly config?: KubeletConfig;
  /** Where it meets its faults. Default: none. */
  readonly faults?: FaultPoints;
  /** What is wrong in its handshakes, and with the certificates of its clients. Default: nothing. */
  readonly handshakes?: HandshakeFaults;
  readonly clock: Clock;
  readonly emit: EventSink;
  /** Wall time of the lab in epoch milliseconds. Default: the machine's time, advanced by `clock`. */
  readonly wallTimeMs?: () => number;
  /** How long a peer may take from connecting to a finished TLS handshake; default 10 s. */
  readonly handshakeTimeoutMs?: number;
}

export interface Kubelet {
  readonly address: { readonly host: string; readonly port: number };
  /** TCP connections in any state. */
  readonly openConnections: number;
  /** Requests in progress: streams, logs, calls. */
  readonly openRequests: number;
  close(): Promise<void>;
}

const defaultHandshakeTimeoutMs = 10_000;

/**
 * Starts a kubelet: one TLS port, where ALPN `h2` is gRPC (`konnsim.kubelet.v1`, health, reflection) and everything
 * else is the kubelet's HTTP API. Both accept a client certificate of `tls.clientCa`, or the other credentials in
 * `config.access`. Rejects with ADDRESS_IN_USE, ADDRESS_UNAVAILABLE or CERT_INVALID.
 */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { clock, emit } = options;
  let listening: Kubelet['address'] = { host: '', port: 0 };
  const closing = new AbortController();
  // Each request that a fault holds up listens.
  setMaxListeners(0, closing.signal);
  const context = { ...contextOf(options, () => listening), closing: closing.signal };
  const grpc = createGrpcDoor(context);
  const http = createHttpDoor(context);
  const port = await openTlsPort({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    tls: options.tls,
    lazy: options.lazyTls ?? false,
    clock,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs,
    accept: { h2: (socket) => grpc.accept(socket), http1: (socket) => http.accept(socket) },
    handshakes: options.handshakes,
    delayMs: () => context.faults.meet('slow', {}, ({ at }) => at === 'tls')?.delay ?? 0,
  });
  const { address } = port;
  listening = address;
  emit({ node: context.node, kind: 'role.started', address: `${address.host}:${address.port}` });
  return {
    address,
    get openConnections() {
      return port.openConnections;
    },
    get openRequests() {
      return context.active.size;
    },
    close: closeOnce(async () => {
      closing.abort();
      grpc.close();
      http.close();
      await port.close();
      emit({ node: context.node, kind: 'role.stopped' });
    }),
  };
}

function contextOf(
  { nodeName, runtime, clock, emit, wallTimeMs, config = {}, faults = noFaults, handshakes }: KubeletOptions,
  address: DoorContext['address'],
): Omit<DoorContext, 'closing'> {
  const wall = wallTimeMs ?? createWallClock(clock);
  const settings = settingsOf(config);
  return {
    node: `kubelet/${nodeName}`,
    nodeName,
    runtime,
    clock,
    emit,
    settings,
    address,
    active: new Set(),
    faults,
    identify: (socket) => identifyPeer(socket, handshakes),
    wallTimeMs: wall,
    startedAtMs: wall(),
    access: new AccessControl(settings.access),
    counters: new HttpCounters(clock),
    health: new HealthChecks(),
    streamTokens: new StreamTokens(clock, settings.maxInFlightStreams),
    nodeLogs: new NodeLogs(runtime, wall),
    meter: new UsageMeter(runtime, wall),
  };
}

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close();
    return closing;
  };
}
